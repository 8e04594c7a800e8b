import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  type IntrospectionQuery,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from 'graphql';
import type { Served } from './serve.ts';

/** A root field of the schema that runs. */
export interface RootField {
  readonly operation: 'query' | 'mutation' | 'subscription';
  readonly field: GraphQLField<unknown, unknown>;
}

/** Asks the running server for its schema. */
export async function runningSchema(api: Served): Promise<GraphQLSchema> {
  const { data } = await api.graphql(getIntrospectionQuery());
  return buildClientSchema(data as unknown as IntrospectionQuery);
}

/** Every root field that there is. */
export function rootFields(schema: GraphQLSchema): RootField[] {
  return (['query', 'mutation', 'subscription'] as const).flatMap((operation) => {
    const { [operation]: type } = {
      query: schema.getQueryType(),
      mutation: schema.getMutationType(),
      subscription: schema.getSubscriptionType(),
    };
    return Object.values(type?.getFields() ?? {}).map((field) => ({ operation, field }));
  });
}

/** Every field that an answer to a query or a subscription may have below its root, as `Type.field`, sorted. */
export function outputFields(schema: GraphQLSchema): string[] {
  const seen = new Map<string, readonly string[]>();
  const visit = (type: GraphQLOutputType): void => {
    const named = getNamedType(type);
    if (!isObjectType(named) || seen.has(named.name)) return;
    const fields = Object.values(named.getFields());
    seen.set(
      named.name,
      fields.map(({ name }) => `${named.name}.${name}`),
    );
    for (const field of fields) visit(field.type);
  };
  for (const { operation, field } of rootFields(schema)) if (operation !== 'mutation') visit(field.type);
  return [...seen.values()].flat().sort();
}

type Values = Readonly<Record<string, unknown>>;

/**
 * A document that runs one root field: with the arguments that are given and, of those that it must have, made-up ones. `depth` is
 * how deep its selection goes: 0 asks for the name of its type alone, more for every field that there is down there.
 */
export function documentOf(
  { operation, field }: RootField,
  given: Values,
  depth: number,
): { query: string; variables: Values } {
  const args = field.args.filter((arg) => arg.name in given || isRequiredArgument(arg));
  const variables = Object.fromEntries(args.map((arg) => [arg.name, given[arg.name] ?? madeUp(arg.type)]));
  const declared = args.map((arg: GraphQLArgument) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const passed = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const call = `${field.name}${passed && `(${passed})`}${selection(field.type, depth)}`;
  return { query: `${operation}${declared && ` (${declared})`} { ${call} }`, variables };
}

function selection(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (!isCompositeType(named)) return '';
  if (depth === 0 || isUnionType(named)) return ' { __typename }';
  const fields = Object.values(named.getFields()).flatMap((field) => {
    const isLeaf = !isCompositeType(getNamedType(field.type));
    if (field.args.some(isRequiredArgument) || (!isLeaf && depth === 1)) return [];
    return [`${field.name}${selection(field.type, depth - 1)}`];
  });
  return ` { ${['__typename', ...fields].join(' ')} }`;
}

/** Something of a type: good for the schema, and for no more than that. */
function madeUp(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return madeUp(type.ofType);
  if (isListType(type)) return [];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter(isRequiredInputField);
    return Object.fromEntries(required.map((field) => [field.name, madeUp(field.type)]));
  }
  switch (type.name) {
    case 'Int':
    case 'Float':
      return 1;
    case 'Boolean':
      return false;
    case 'DateTimeISO':
      return '2026-01-01T00:00:00.000Z';
    default:
      return 'none';
  }
}
