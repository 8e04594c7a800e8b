import { unwrapResolverError } from '@apollo/server/errors';
// The CommonJS form, as Apollo Server has it: `instanceof` holds within one copy alone.
import { GraphQLError, type GraphQLFormattedError } from 'graphql/index.js';
import type { Fault } from '@onecli/shared/fault';
import { toFault } from './to-fault.ts';

/** What was thrown. What the source of a subscription throws, its protocol wraps in an error that names no place of a document. */
export function causeOf(error: unknown): unknown {
  if (error instanceof GraphQLError && (error.path ?? error.nodes) !== undefined) return unwrapResolverError(error);
  return (error as { readonly originalError?: unknown } | undefined)?.originalError ?? error;
}

/** What a client is told of an error, without a value that it sent. `unexpected` hears of faults that nobody expected. */
export function formatGraphqlError(
  formatted: GraphQLFormattedError,
  error: unknown,
  unexpected: (fault: Fault) => void,
): GraphQLFormattedError {
  const cause = causeOf(error);
  const code = formatted.extensions?.['code'];
  const isOfRequest = cause instanceof GraphQLError && typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR';
  if (isOfRequest) return { ...formatted, message: withoutValues(formatted.message), extensions: { code } };
  const fault = toFault(cause);
  if (fault.status >= 500) unexpected(fault);
  const { hint, field, message } = fault;
  return {
    message,
    ...(formatted.path !== undefined && { path: formatted.path }),
    extensions: { code: fault.code, hint, ...(field !== undefined && { field }) },
  };
}

/**
 * The messages of graphql-js quote what was sent, which may be a secret's value: the quotes go, the place and the kind of problem
 * stay.
 */
export function withoutValues(message: string): string {
  const variable = /^Variable "(\$\w+)" got invalid value /.exec(message)?.[1];
  if (variable !== undefined) return `Variable "${variable}" is not valid${coercionProblem(message)}`;
  return (message.split('\n')[0] ?? '')
    .replace(/,? found .*$/s, '.')
    .replace(/(cannot represent [^:]*): .*$/s, '$1.')
    .replace(/^Value ".*" does not exist in/s, 'The value does not exist in')
    .replace(/^(Syntax Error: [^"'`:.]*)["'`:.].*$/, '$1.');
}

function coercionProblem(message: string): string {
  const problem =
    /(Field "\w+" (?:is not defined by type "\w+"|of required type "[\w[\]!]+" was not provided))\.(?: Did you mean [^;]*\?)?$/.exec(
      message,
    )?.[1];
  if (problem !== undefined) return `: ${problem}.`;
  const place = /.* at "(\w+(?:\.\w+|\[\d+\])*)"; [^;]*$/s.exec(message)?.[1];
  return place === undefined ? ': it is of the wrong type.' : `: ${place} is of the wrong type.`;
}
