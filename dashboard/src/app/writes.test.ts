import { Kind, type OperationDefinitionNode, OperationTypeNode, buildSchema, isEnumType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { actionNames } from '../features/api-keys/action-names.ts';

const schemas = import.meta.glob<string>('../../../control-plane/schema.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const documents = import.meta.glob<string>('../**/*.graphql', { query: '?raw', import: 'default', eager: true });
const files = import.meta.glob<string>(['../{api,app,features}/**/*.{ts,tsx}', '!../**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

const schema = buildSchema(Object.values(schemas).join(''));

/** Writes that have no place in the dashboard, each with the reason. */
const withoutScreen: Readonly<Record<string, string>> = {};

const writes = Object.values(documents)
  .flatMap((text) => parse(text).definitions)
  .filter((part): part is OperationDefinitionNode => part.kind === Kind.OPERATION_DEFINITION)
  .filter(({ operation }) => operation === OperationTypeNode.MUTATION);
const code = Object.values(files).join('\n');

/** The fields of the API that an operation asks for. */
function fieldsOf({ selectionSet }: OperationDefinitionNode): string[] {
  return selectionSet.selections.flatMap((part) => (part.kind === Kind.FIELD ? [part.name.value] : []));
}

describe('every write of the API', () => {
  it('can be done here, or is named with the reason', () => {
    const all = Object.keys(schema.getMutationType()?.getFields() ?? {});
    const done = new Set(writes.flatMap(fieldsOf));
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter((name) => !done.has(name)).sort()).toEqual(Object.keys(withoutScreen).sort());
  });

  it('is used by a screen where there is a document of it', () => {
    const names = writes.map(({ name }) => `${name?.value}Document`);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code.replaceAll(/import [^;]+;/g, '')))).toEqual(
      [],
    );
  });

  it('is made with all that its input has', () => {
    const inputs = [
      'SecretInput',
      'BindingInput',
      'AgentInput',
      'RouteInput',
      'NewApiKeyInput',
      'ImportAuthorityInput',
    ];
    const fields = inputs.flatMap((name) => {
      const type = schema.getType(name);
      return type && 'getFields' in type ? Object.keys(type.getFields()) : [`no ${name}`];
    });
    expect(fields.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
  });
});

describe('an API key', () => {
  it('can be limited to each action that there is', () => {
    const type = schema.getType('Action');
    expect([...actionNames].sort()).toEqual(
      isEnumType(type) &&
        type
          .getValues()
          .map(({ name }) => name)
          .sort(),
    );
  });
});
