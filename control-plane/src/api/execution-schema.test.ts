import { buildSchema, execute, getIntrospectionQuery, type GraphQLObjectType, parse } from 'graphql/index.js';
import { describe, expect, it } from 'vitest';
import { executionSchema, executor } from './execution-schema.ts';

const shown = buildSchema(`
  interface Named { name: String!, tags: [String!]! }
  type One implements Named { name: String!, tags: [String!]!, inner: One, few: [String], ids: [ID!], rows: [[String!]!]! }
  type Other implements Named { name: String!, tags: [String!]!, maybe: [String!] }
  union Either = One | Other
  type Query { named: [Named!]!, either: [Either!]!, bad: [String!], one: One }
`);
const one = { __typename: 'One', name: 'a', tags: ['x', ''], few: [null, 'y'], ids: [1, 'z'], rows: [['p', 'q'], []] };
const other = { __typename: 'Other', name: 'b', tags: [], maybe: null };
const answers: Readonly<Record<string, unknown>> = {
  named: [one, other],
  either: [other, one],
  one: { ...one, inner: one },
  bad: ['fine', null],
};
for (const [name, field] of Object.entries((shown.getType('Query') as GraphQLObjectType).getFields()))
  field.resolve = () => answers[name];

const document = parse(`{
  named { __typename name tags ... on Other { maybe } }
  either { ... on One { few ids rows } ... on Other { tags maybe } }
  one { alias: tags inner { tags } }
}`);

describe('executionSchema', () => {
  it('gives the answers that the schema itself gives', async () => {
    const [own, plain] = [executionSchema(shown), shown].map((schema) => execute({ schema, document }));
    expect(await own).toEqual(await plain);
    expect(await own).toMatchObject({ data: { named: [{ tags: ['x', ''] }, { tags: [], maybe: null }] } });
  });

  it('takes no list for one of texts that holds something else', async () => {
    const answer = await execute({ schema: executionSchema(shown), document: parse('{ bad one { name } }') });
    expect(answer).toMatchObject({ data: { bad: null, one: { name: 'a' } }, errors: [{ path: ['bad'] }] });
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
