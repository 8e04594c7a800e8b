import {
  buildSchema as parseSchema,
  execute,
  getIntrospectionQuery,
  type GraphQLObjectType,
  type GraphQLSchema,
  parse,
} from 'graphql/index.js';
import { describe, expect, it } from 'vitest';
import { buildSchema } from './build-schema.ts';
import { executionSchema, executor } from './execution-schema.ts';
import { isPlain } from './projection.ts';

const shown = parseSchema(`
  interface Named { name: String! tags: [String!]! }
  enum Mode { ENFORCE MONITOR }
  type One implements Named {
    name: String! tags: [String!]! inner: One few: [String] ids: [ID!] rows: [[String!]!]! mode: Mode count: Int rate: Float is: Boolean
  }
  type Other { one(size: Int): One }
  type Query { named: [Named!]! ones(first: Int): [One!]! one: One none: One other: Other text: String! bad: [String!] sad: One! angry: One! }
`);
const one = { name: 'a', tags: ['x', ''], few: [null, 'y'], ids: [1, 'z'], rows: [['p', 'q'], []], inner: null };
const full = { ...one, inner: { ...one, mode: 'MONITOR' }, mode: 'ENFORCE', count: 3, rate: 0.5, is: false };
const answers: Readonly<Record<string, unknown>> = {
  named: [{ ...one, __typename: 'One' }],
  ones: [full, one],
  one: full,
  none: null,
  other: {},
  text: 'here',
  bad: ['fine', null],
  sad: { ...full, name: undefined },
  angry: new Error('anger'),
};
for (const [name, field] of Object.entries((shown.getType('Query') as GraphQLObjectType).getFields()))
  field.resolve = () => answers[name];
const sized = (shown.getType('Other') as GraphQLObjectType).getFields()['one'];
if (sized !== undefined) sized.resolve = (_source, { size }) => ({ ...one, name: `of ${size}` });

const answersOf = (query: string, variableValues: Record<string, unknown> = {}) =>
  [executionSchema(shown), shown].map(async (schema: GraphQLSchema) =>
    JSON.parse(JSON.stringify(await execute({ schema, document: parse(query), variableValues }))),
  );

describe('executionSchema', () => {
  it.each([
    '{ one { __typename alias: tags name other: name few ids rows mode count rate is inner { mode count inner { name } } } }',
    '{ ones { ...Some inner { tags } ... on Named { few: name } ... { is } } none { name } text } fragment Some on One { inner { name } mode }',
    'query($yes: Boolean = true, $no: Boolean!) { one { name @skip(if: $yes) tags @include(if: $no) ids @include(if: $yes) } }',
    '{ one { constructor: name toString: name toJSON: name hasOwnProperty: name } }',
    '{ one { __proto__: inner { __proto__: name name } name } }',
    '{ named { __typename name ... on One { ids } } other { one(size: 3) { name } } }',
  ])('gives the answers that the schema itself gives: %s', async (query) => {
    const [own, plain] = await Promise.all(answersOf(query, { no: false }));
    expect(own).toEqual(plain);
    expect(own).not.toHaveProperty('errors');
  });

  it.each([
    ['{ bad one { name } }', { bad: null, one: { name: 'a' } }, 'bad'],
    ['{ sad { name } one { name } }', null, 'sad'],
    ['{ angry { name } }', null, 'angry'],
  ])('refuses the whole of a value that does not fit its type: %s', async (query, data, field) => {
    const [own] = await Promise.all(answersOf(query));
    expect(own).toMatchObject({ data, errors: [{ path: [field] }] });
  });

  it('leaves a field with a resolver of its own to that', async () => {
    const [own] = await Promise.all(answersOf('{ other { one(size: 3) { name } } }'));
    expect(own).toEqual({ data: { other: { one: { name: 'of 3' } } } });
  });

  it('completes each query of the product by a plan', () => {
    const fields = Object.entries(buildSchema().getQueryType()?.getFields() ?? {});
    expect(fields.length).toBeGreaterThan(20);
    expect(fields.filter(([, { type }]) => !isPlain(type)).map(([name]) => name)).toEqual([]);
  });
});

describe('executor', () => {
  it('shows who asks for the schema the one that is shown', async () => {
    const { executor: run } = (await executor(shown)?.load({} as never)) ?? {};
    const ask = (query: string) => run?.({ document: parse(query), request: {}, context: {} } as never);
    expect(await ask(getIntrospectionQuery())).toEqual(
      await execute({ schema: shown, document: parse(getIntrospectionQuery()) }),
    );
    expect(await ask('{ one { name } __type(name: "One") { fields { name type { kind ofType { kind } } } } }')).toEqual(
      await execute({
        schema: shown,
        document: parse('{ one { name } __type(name: "One") { fields { name type { kind ofType { kind } } } } }'),
      }),
    );
    expect(await ask('{ one { tags } }')).toEqual({ data: { one: { tags: ['x', ''] } } });
  });
});
