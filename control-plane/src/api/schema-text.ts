import { fileURLToPath } from 'node:url';
// The CommonJS form, as type-graphql has it: graphql refuses schemas that another copy of it made.
import { lexicographicSortSchema, printSchema } from 'graphql/index.js';
import { buildSchema } from './build-schema.ts';

/** Where the printed schema lies. */
export const schemaFile = fileURLToPath(new URL('../../schema.graphql', import.meta.url));

/** The GraphQL schema in its own language, sorted, so that two prints of one schema are the same. */
export function schemaText(): string {
  return `${printSchema(lexicographicSortSchema(buildSchema()))}\n`;
}
