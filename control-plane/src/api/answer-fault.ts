import { Fault } from '@onecli/shared/fault';
import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import { describeError } from '@onecli/shared/logger';
import type { RefusalRecord } from '../auth/events/refusal-record.ts';
import { TooManyLogins } from '../auth/sessions/login-limiter.ts';
import type { Metrics } from '../health/metrics.ts';
import { addressOf, callerOf, requestIdOf } from './request-context.ts';
import { toFault } from './to-fault.ts';

/** The JSON body of a refusal. */
export interface FaultBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly field?: string;
    readonly requestId: string;
  };
}

/** What a client is told of a fault. */
export function faultBody(fault: Fault, requestId: string): FaultBody {
  const { code, message, hint, field } = fault;
  return { error: { code, message, hint, ...(field !== undefined && { field }), requestId } };
}

interface FaultWitnesses {
  /** The heads of the paths of the API's routes, `/api/agents`. What else was asked for is recorded as `elsewhere`: people paste keys. */
  readonly places: ReadonlySet<string>;
  readonly log: Logger;
  readonly refusals: RefusalRecord;
  readonly metrics: Metrics;
}

/** The last middleware: makes an answer of whatever was thrown, records refusals, and logs what nobody expected. */
export function answerFault({ places, log, refusals, metrics }: FaultWitnesses) {
  return async (error: unknown, request: Request, response: Response, _next: NextFunction): Promise<void> => {
    const fault = toFault(error);
    const requestId = requestIdOf(response);
    metrics.faultAnswered(fault);
    if (fault.code === 'NOT_READY')
      log.warn({ requestId, cause: describeError(fault.cause)['message'] }, fault.message);
    else if (fault.status >= 500) log.error({ err: fault, requestId }, 'a request failed');
    await refusals.note(fault, {
      principal: callerOf(response),
      address: addressOf(request),
      requestId,
      call: `${request.method} ${headOf(request, places)}`,
      objectName: nameIn(request),
    });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (fault.code === 'UNAUTHENTICATED') response.set('WWW-Authenticate', challengeFor(request));
    if (fault.code === 'TOO_MANY_LOGINS') {
      const seconds = fault instanceof TooManyLogins ? fault.retryAfterSeconds : 60;
      response.set('Retry-After', String(seconds));
    }
    const body = faultBody(fault, requestId);
    response.status(fault.status).json(request.path === '/graphql' ? { ...body, errors: [graphqlError(body)] } : body);
  };
}

function headOf({ path }: Request, places: ReadonlySet<string>): string {
  const head = path.split('/', 3).join('/');
  return places.has(head) ? head : 'elsewhere';
}

/** Basic would make the browser ask for a password in a window of its own: the dashboard asks itself. */
function challengeFor({ headers }: Request): string {
  const isDashboard = headers['x-onecli-client'] === 'dashboard' || headers.upgrade !== undefined;
  return isDashboard ? 'Bearer realm="OneCLI"' : 'Basic realm="OneCLI", charset="UTF-8"';
}

/** As clients of GraphQL look for it. */
function graphqlError({ error: { message, ...extensions } }: FaultBody) {
  return { message, extensions };
}

/** The name of the object that a call is about: in its path, `/api/secrets/prod%2Fopenai`, or in its body. */
function nameIn({ path, body }: Request): unknown {
  const [, , , name] = path.split('/');
  if (name === undefined || name === '') return (body as { name?: unknown } | undefined)?.name;
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

/** The answer for a path that nothing serves. */
export function notFound(): never {
  throw new Fault('NOT_FOUND', 'There is nothing at this path');
}
