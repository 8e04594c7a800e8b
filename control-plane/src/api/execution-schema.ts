/*
 * The schema that documents are executed by. It is the one that they are validated by and that is shown, but for one thing: what a query
 * answers with is one leaf, completed by a plan of its own (see projection.ts). Where a value does not fit its type, the document is executed
 * once more by the schema that is shown, so that graphql-js gives what the specification says: null for the nearest part that may be null,
 * and an error with the whole path. Queries only read, so that no harm is done by asking twice.
 */
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
// The CommonJS form, as type-graphql has it: graphql refuses types that another copy of it made.
import {
  BREAK,
  type DocumentNode,
  defaultFieldResolver,
  execute,
  type GraphQLFieldConfig,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  isNonNullType,
  visit,
} from 'graphql/index.js';
import { isPlain, projection } from './projection.ts';

/** What has been completed already. */
const completed = new GraphQLScalarType<unknown, unknown>({ name: 'Completed', serialize: (value) => value });

/** A value that the plan cannot complete. */
class Misfit extends Error {}

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
        executor: async ({ document, request, context }) => {
          const asked = {
            document,
            contextValue: context,
            variableValues: request.variables,
            operationName: request.operationName,
          };
          if (asksForSchema(document)) return execute({ ...asked, schema: shown });
          const result = await execute({ ...asked, schema: own });
          const isMisfit = result.errors?.some(({ originalError }) => originalError instanceof Misfit) ?? false;
          return isMisfit ? execute({ ...asked, schema: shown }) : result;
        },
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

/** Makes it of the schema that is shown; the resolvers are the same. */
export function executionSchema(shown: GraphQLSchema): GraphQLSchema {
  const config = shown.toConfig();
  const query = config.query?.toConfig();
  if (query === undefined) return shown;
  const fields = Object.entries(query.fields).map(([name, field]) => [
    name,
    isPlain(field.type) ? leafed(field) : field,
  ]);
  return new GraphQLSchema({
    ...config,
    query: new GraphQLObjectType({ ...query, fields: Object.fromEntries(fields) }),
    types: config.types.filter((type) => type !== config.query),
    assumeValid: true,
  });
}

type Field = GraphQLFieldConfig<unknown, unknown>;

function leafed(field: Field): Field {
  const { type, resolve = defaultFieldResolver } = field;
  return {
    ...field,
    type: isNonNullType(type) ? new GraphQLNonNull(completed) : completed,
    resolve: async (source, args, context, info) => {
      const value: unknown = await resolve(source, args, context, info);
      if (value instanceof Error) throw value;
      const complete = projection(type, info.fieldNodes, info);
      try {
        return complete(value);
      } catch (cause) {
        throw new Misfit('A value does not fit its type', { cause });
      }
    },
  };
}
