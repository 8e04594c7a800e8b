import type { ApolloServerPlugin } from '@apollo/server';
import type { Fault } from '@onecli/shared/fault';
// The CommonJS form, as Apollo Server has it.
import {
  type FieldNode,
  GraphQLError,
  getArgumentValues,
  getNamedType,
  isObjectType,
  type OperationDefinitionNode,
} from 'graphql/index.js';
import type { GraphQLSchema } from 'graphql';
import type { RefusalRecord } from '../auth/events/refusal-record.ts';
import type { Metrics } from '../health/metrics.ts';
import { causeOf } from './format-graphql-error.ts';
import { callerOf, type GraphqlContext } from './graphql-context.ts';
import { toFault } from './to-fault.ts';

/** What hears of errors. */
interface ErrorWitnesses {
  readonly refusals: RefusalRecord;
  readonly metrics: Metrics;
}

/** Counts each fault of a document, and records each field that was refused. */
export function refusalPlugin({ refusals, metrics }: ErrorWitnesses): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        async didEncounterErrors({ errors, contextValue, operation, request, schema }): Promise<void> {
          for (const error of errors) {
            await refusals.note(counted(error, metrics), {
              ...callerOf(contextValue),
              call: `${operation?.operation ?? 'document'} ${fieldIn(error)}`.trim(),
              objectName: nameIn(error, operation, schema, request.variables ?? {}),
            });
          }
        },
      }),
  };
}

/** The same of an error of a subscription. */
export function noteRefusedSubscription(
  { refusals, metrics }: ErrorWitnesses,
  error: GraphQLError,
  context: GraphqlContext,
): Promise<void> {
  return refusals.note(counted(error, metrics), {
    ...callerOf(context),
    call: `subscription ${fieldIn(error)}`.trim(),
    objectName: undefined,
  });
}

/** The same of a refusal that the payload of a write tells. */
export function noteToldRefusal(
  { refusals, metrics }: ErrorWitnesses,
  fault: Fault,
  context: GraphqlContext,
): Promise<void> {
  metrics.faultAnswered(fault);
  return refusals.note(fault, { ...callerOf(context), call: 'mutation', objectName: undefined });
}

/** What was thrown, counted where it is a fault: what GraphQL itself says of a document is none. */
function counted(error: GraphQLError, metrics: Metrics): unknown {
  const cause = causeOf(error);
  if (!(cause instanceof GraphQLError)) metrics.faultAnswered(toFault(cause));
  return cause;
}

/** The field that was refused, as the schema names it: its alias may be anything, as long as a document. */
function fieldIn({ nodes }: GraphQLError): string {
  return nodes?.find((one): one is FieldNode => one.kind === 'Field')?.name.value ?? '';
}

/** The name of the object that a field is about: its argument `name`, or `name` in its `input`. */
function nameIn(
  error: GraphQLError,
  operation: OperationDefinitionNode | null | undefined,
  schema: GraphQLSchema,
  variables: Record<string, unknown>,
): unknown {
  const node = error.nodes?.find((one): one is FieldNode => one.kind === 'Field');
  const root = operation && schema.getRootType(operation.operation);
  const field = node && root && isObjectType(getNamedType(root)) ? root.getFields()[node.name.value] : undefined;
  if (node === undefined || field === undefined) return undefined;
  try {
    const given = getArgumentValues(field, node, variables) as { name?: unknown; input?: { name?: unknown } };
    return given.name ?? given.input?.name;
  } catch {
    // Arguments that are not valid name nothing.
    return undefined;
  }
}
