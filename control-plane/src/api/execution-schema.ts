/*
 * The schema that documents are executed by. It is the one that they are validated by and that is shown, but for one thing: a list of texts
 * is one leaf. graphql-js completes each element of a list by itself, with a path of its own; of a page of policies, with their hosts, paths,
 * methods and secrets, those are tens of thousands, and were more than half of its time.
 */
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
// The CommonJS form, as type-graphql has it: graphql refuses types that another copy of it made.
import {
  type DocumentNode,
  execute,
  GraphQLError,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  type GraphQLFieldConfigMap,
  type GraphQLNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  BREAK,
  visit,
} from 'graphql/index.js';

/** `[String!]` as one leaf. What is no list of texts is as much of a fault as it is element by element. */
const textList = new GraphQLScalarType<readonly string[], unknown>({
  name: 'TextList',
  serialize: (value) => {
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      throw new GraphQLError('A list of texts holds something else');
    return value as readonly string[];
  },
});

/** What Apollo asks for a schema and for answers in place of executing documents itself: it validates them, and all that follows is as ever. */
export function executor(shown: GraphQLSchema): ApolloServerOptionsWithGateway<never>['gateway'] {
  const own = executionSchema(shown);
  return {
    onSchemaLoadOrUpdate: (loaded) => {
      loaded({ apiSchema: shown, coreSupergraphSdl: '' });
      return () => undefined;
    },
    load: () =>
      Promise.resolve({
        executor: async ({ document, request, context }) =>
          execute({
            schema: asksForSchema(document) ? shown : own,
            document,
            contextValue: context,
            variableValues: request.variables,
            operationName: request.operationName,
          }),
      }),
    stop: () => Promise.resolve(),
  };
}

/** Who asks what there is has to see what is shown. */
function asksForSchema(document: DocumentNode): boolean {
  let asks = false;
  visit(document, {
    Field: ({ name }) => {
      asks ||= name.value === '__schema' || name.value === '__type';
      return asks ? BREAK : undefined;
    },
  });
  return asks;
}

type Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType;

/** Makes it of the schema that is shown; the resolvers are the same. */
export function executionSchema(shown: GraphQLSchema): GraphQLSchema {
  const config = shown.toConfig();
  const made = new Map<string, GraphQLNamedType>();
  const of = <T extends GraphQLNamedType>(type: T): T => (made.get(type.name) ?? type) as T;
  for (const type of config.types)
    if (!type.name.startsWith('__') && (isObjectType(type) || isInterfaceType(type) || isUnionType(type)))
      made.set(type.name, remade(type, of));
  const root = (type: GraphQLObjectType | null | undefined) => type && of(type);
  return new GraphQLSchema({
    ...config,
    query: root(config.query),
    mutation: root(config.mutation),
    subscription: root(config.subscription),
    types: config.types.map(of),
    assumeValid: true,
  });
}

function remade(type: Composite, of: <T extends GraphQLNamedType>(type: T) => T): Composite {
  if (isUnionType(type)) {
    const config = type.toConfig();
    return new GraphQLUnionType({ ...config, types: () => config.types.map(of) });
  }
  const config = type.toConfig();
  const fields = (): GraphQLFieldConfigMap<unknown, unknown> =>
    Object.fromEntries(
      Object.entries(config.fields).map(([name, field]) => [name, { ...field, type: leafed(field.type, of) }]),
    );
  const interfaces = () => config.interfaces.map(of);
  return isObjectType(type)
    ? new GraphQLObjectType({ ...type.toConfig(), fields, interfaces })
    : new GraphQLInterfaceType({ ...type.toConfig(), fields, interfaces });
}

function leafed(type: GraphQLOutputType, of: <T extends GraphQLNamedType>(type: T) => T): GraphQLOutputType {
  if (isNonNullType(type)) return new GraphQLNonNull(leafed(type.ofType, of) as never);
  if (isListType(type)) return isTexts(type) ? textList : new GraphQLList(leafed(type.ofType, of));
  return of(type as GraphQLNamedType) as GraphQLOutputType;
}

function isTexts(list: GraphQLList<GraphQLOutputType>): boolean {
  return isNonNullType(list.ofType) && list.ofType.ofType === GraphQLString;
}
