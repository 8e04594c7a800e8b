import { Fault } from '@onecli/shared/fault';
// The CommonJS form, as type-graphql has it: graphql refuses schemas that another copy of it made.
import {
  type GraphQLFieldConfig,
  GraphQLEnumType,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  getNamedType,
} from 'graphql/index.js';
import { type Applied, waitMs } from '../workers/applied-wait.ts';
import type { GraphqlContext } from './graphql-context.ts';

const waitFor = new GraphQLEnumType({
  name: 'WaitFor',
  description: 'What a write waits for before it is answered.',
  values: {
    NONE: { description: 'Its commit.' },
    ALL: { description: 'Every live worker has applied its revision, or the time is over: see `isEverywhere`.' },
  },
});

type Field = GraphQLFieldConfig<unknown, GraphqlContext, Record<string, unknown>>;

/** Gives `wait` and `timeoutMs` to every mutation whose payload can tell which workers are behind: none can forget it. */
export function addWait(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig();
  const mutation = config.mutation?.toConfig();
  if (mutation === undefined) return schema;
  const fields = Object.entries(mutation.fields as Record<string, Field>).map(([name, field]) => {
    const payload = getNamedType(field.type);
    const canTell = payload instanceof GraphQLObjectType && 'behind' in payload.getFields();
    return [name, canTell ? waiting(field) : field] as const;
  });
  return new GraphQLSchema({
    ...config,
    types: config.types.filter((type) => type !== config.mutation),
    mutation: new GraphQLObjectType({ ...mutation, fields: Object.fromEntries(fields) }),
  });
}

function waiting(field: Field): Field {
  const { resolve } = field;
  return {
    ...field,
    args: {
      ...field.args,
      wait: { type: new GraphQLNonNull(waitFor), defaultValue: 'NONE' },
      timeoutMs: {
        type: new GraphQLNonNull(GraphQLInt),
        defaultValue: waitMs.default,
        description: `For how long to wait, at most ${waitMs.most}.`,
      },
    },
    resolve: async (source, { wait, timeoutMs, ...args }, context, info) => {
      const limitMs = Number(timeoutMs);
      if (limitMs < 1 || limitMs > waitMs.most)
        throw new Fault('INVALID', `\`timeoutMs\` must be 1-${waitMs.most}`, { field: 'timeoutMs' });
      const payload = (await resolve?.(source, args, context, info)) as { readonly revision: number | null };
      if (wait !== 'ALL' || payload.revision === null) return payload;
      return { ...payload, ...(await told(context.applied.until(payload.revision, limitMs))) };
    },
  };
}

/** What was written is told even when the workers cannot be asked: an error in a field's place is one of that field alone. */
function told(asked: Promise<Applied>): Promise<Applied | Record<keyof Applied, Error>> {
  return asked.catch((cause: unknown) => {
    const error = cause instanceof Error ? cause : new Error('A wait failed', { cause });
    return { isEverywhere: error, confirmedBy: error, behind: error, silent: error };
  });
}
