import { randomUUID } from 'node:crypto';
import type { Application, NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { Principal } from '../auth/principal.ts';
import type { Metrics } from '../health/metrics.ts';
import type { ControlPlaneTracing } from '../telemetry.ts';

interface RequestContext {
  readonly requestId: string;
  principal: Principal | undefined;
  lookAgain: (() => Promise<Principal>) | undefined;
}

const contexts = new WeakMap<Response, RequestContext>();

/** Gives each request an id and the headers that every answer has, and writes one log line and one count when it ends. */
export function openContext(log: Logger, metrics: Metrics, tracing?: ControlPlaneTracing) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const context: RequestContext = {
      requestId: givenId(request) ?? randomUUID(),
      principal: undefined,
      lookAgain: undefined,
    };
    contexts.set(response, context);
    response.set({
      'X-Request-Id': context.requestId,
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
    });
    const startedMs = performance.now();
    const call = tracing?.begin(headerOf(request, 'traceparent'));
    response.once('close', () => {
      const route = routeOf(request);
      const ms = Math.round(performance.now() - startedMs);
      const { requestId, principal } = context;
      call?.answered({ method: request.method, route, status: response.statusCode, requestId });
      metrics.requestEnded(request.method, route, response.statusCode, ms / 1_000);
      log.debug(
        { requestId, method: request.method, route, status: response.statusCode, ms, principal: principal?.name },
        'answered',
      );
    });
    if (call === undefined) next();
    else call.within(next);
  };
}

function headerOf(request: Request, name: string): string | undefined {
  const given = request.headers[name];
  return typeof given === 'string' ? given : undefined;
}

/** What an id may be that somebody else gave: nothing that could break a line of a log, or be taken for something else. */
const wellFormedId = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

/** The id that a trusted proxy gave the request. Anybody else could pass off his calls as another's. */
function givenId(request: Request): string | undefined {
  const given = request.headers['x-request-id'];
  if (typeof given !== 'string' || !wellFormedId.test(given)) return undefined;
  return isTrustedProxy(request.app, request.socket.remoteAddress ?? '') ? given : undefined;
}

/** Whether an address is of a proxy that tells the truth of who is behind it. */
export function isTrustedProxy(app: Application, address: string): boolean {
  return (app.get('trust proxy fn') as (address: string, hop: number) => boolean)(address, 0);
}

/** The pattern of the route that answered: paths hold names, and whatever somebody types by mistake. */
function routeOf(request: Request): string {
  const route = request.route as { path?: unknown } | undefined;
  return typeof route?.path === 'string' ? request.baseUrl + route.path : 'none';
}

/** The caller's address: the peer's, or what a trusted proxy says of it. */
export function addressOf(request: Request): string {
  return request.ip ?? '';
}

/** The id of the request that is being answered. */
export function requestIdOf(response: Response): string {
  return contextOf(response).requestId;
}

/** Records who calls, and how to find out later whether he still may. */
export function signIn(response: Response, principal: Principal, lookAgain: () => Promise<Principal>): void {
  Object.assign(contextOf(response), { principal, lookAgain });
}

/** Who calls, as he is now. @throws Fault UNAUTHENTICATED; Error on a route that does not ask for a login */
export async function lookAgain(response: Response): Promise<Principal> {
  const { lookAgain: look } = contextOf(response);
  if (look === undefined) throw new Error('This route is served without a login');
  return look();
}

/** `lookAgain`, for all that comes after it. */
export async function signInAgain(response: Response): Promise<void> {
  contextOf(response).principal = await lookAgain(response);
}

/** Who calls, or undefined on a route that does not ask for a login and where there is none. */
export function callerOf(response: Response): Principal | undefined {
  return contextOf(response).principal;
}

/** Who calls. @throws Error on a route that does not ask for a login */
export function principalOf(response: Response): Principal {
  const { principal } = contextOf(response);
  if (principal === undefined) throw new Error('This route is served without a login');
  return principal;
}

function contextOf(response: Response): RequestContext {
  const context = contexts.get(response);
  if (context === undefined) throw new Error('This response has no context');
  return context;
}
