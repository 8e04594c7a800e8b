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
    any: Any must: One!
  }
  scalar Any
  type Other { one(size: Int): One }
  type Query { named: [Named!]! ones(first: Int): [One!]! one: One none: One other: Other text: String! bad: [String!] sad: One! angry: One! deep: [One] lone(of: String!): One }
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
  deep: [full, { ...full, inner: { ...one, inner: { ...one, count: 2 ** 31 } }, ids: ['x', null], mode: 'NONE' }, null],
};
/** Each has one thing in it that graphql-js has to look into. */
const lone: Readonly<Record<string, unknown>> = {
  promised: { ...full, inner: Promise.resolve(one) },
  failed: { ...full, inner: new Error('no inner') },
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
  thenable: { ...full, inner: { then: (take: (value: unknown) => void) => take(one) } },
  made: { ...full, inner: () => one },
  promisedLeaf: { ...full, any: Promise.resolve({ some: 1 }) },
  failedLeaf: { ...full, any: new Error('not any') },
  // oxlint-disable-next-line unicorn/no-thenable
  noPromise: { ...full, any: { then: 'a word', is: 1 } },
  late: {
    ...full,
    get inner() {
      return Promise.reject(new Error('late'));
    },
  },
  some: { ...full, few: new Set(['x']) },
  failedTag: { ...full, tags: ['x', new Error('no tag')] },
  nothing: { ...full, must: null },
  text: { ...full, must: 'text' },
  huge: { ...full, count: 2 ** 31 },
};
for (const [name, field] of Object.entries((shown.getType('Query') as GraphQLObjectType).getFields()))
  field.resolve = (_none, { of }: { of?: string }) => (of === undefined ? answers[name] : lone[of]);
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

  it('completes each query of the product by a plan', () => {
    const fields = Object.entries(buildSchema().getQueryType()?.getFields() ?? {});
    expect(fields.length).toBeGreaterThan(20);
    expect(fields.filter(([, { type }]) => !isPlain(type)).map(([name]) => name)).toEqual([]);
  });
});

/** Of the executor, and of graphql-js by the schema that is shown. */
async function bothAnswers(query: string): Promise<unknown[]> {
  const { executor: run } = (await executor(shown)?.load({} as never)) ?? {};
  const document = parse(query);
  const operationName = query.startsWith('query') ? 'Second' : undefined;
  const given: unknown = await run?.({ document, request: { operationName }, context: {} } as never);
  const plain = await execute({ schema: shown, document, operationName });
  return [given, plain].map((answer) => JSON.parse(JSON.stringify(answer)));
}

describe('executor', () => {
  it.each([
    '{ bad one { name } }',
    '{ sad { name } one { name } }',
    '{ angry { name } }',
    '{ deep { name inner { name inner { name count } } } text }',
    '{ deep { ids name } one { name } }',
    '{ deep { mode inner { other: mode inner { name } } } }',
    '{ lone(of: "failed") { inner { name } } }',
    '{ lone(of: "late") { inner { name } } one { name } }',
    '{ lone(of: "made") { inner { must { name } } } }',
    '{ lone(of: "failedLeaf") { any } }',
    '{ lone(of: "failedTag") { tags } one { name } }',
    '{ lone(of: "nothing") { must { name } } }',
    '{ lone(of: "text") { name must { name } } }',
    '{ lone(of: "huge") { name count } }',
    'query Second { lone(of: "huge") { count } } query First { text }',
  ])('gives what the specification says where a value does not fit its type: %s', async (query) => {
    const [given, plain] = await bothAnswers(query);
    expect(plain).toHaveProperty('errors');
    expect(given).toEqual(plain);
  });

  it.each([
    '{ lone(of: "promised") { inner { few } } }',
    '{ lone(of: "thenable") { inner { few } } }',
    '{ lone(of: "promisedLeaf") { any } }',
    '{ lone(of: "noPromise") { any } }',
    '{ lone(of: "some") { few } }',
  ])('waits for what is promised, as graphql-js does: %s', async (query) => {
    const [given, plain] = await bothAnswers(query);
    expect(plain).not.toHaveProperty('errors');
    expect(given).toEqual(plain);
  });

  it('asks once for what fits, and for what was refused', async () => {
    const asked: string[] = [];
    const ours = parseSchema('type Query { good: [String] refused: String }');
    const fields = ours.getQueryType()?.getFields() ?? {};
    for (const [name, field] of Object.entries(fields))
      field.resolve = () => {
        asked.push(name);
        if (name === 'refused') throw new Error('refused');
        return [name];
      };
    const { executor: run } = (await executor(ours)?.load({} as never)) ?? {};
    await run?.({ document: parse('{ good refused }'), request: {}, context: {} } as never);
    expect(asked).toEqual(['good', 'refused']);
  });

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
