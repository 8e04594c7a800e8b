import { type Request, type RequestHandler, type Response, Router } from 'express';
import { parseInput } from '../../configuration/parse-input.ts';
import { parseForm } from '../page-query.ts';
import { principalOf } from '../request-context.ts';
import { conditionsOf, entityTagOf } from './conditional-writes.ts';
import { methodNotAllowed } from './method-not-allowed.ts';
import type { Applied, AppliedWait } from '../../workers/applied-wait.ts';
import type { RestRoute } from './rest-route.ts';
import { told, waitOf } from './waited-write.ts';

/** Serves the routes of a table, in its order, each behind `guards`, which let through, refuse, or read the body. */
export function restRouter(
  routes: readonly RestRoute[],
  wait: AppliedWait,
  guards: readonly RequestHandler[] = [],
): Router {
  const router = Router({ caseSensitive: true });
  for (const route of routes) router[route.method](expressPath(route.path), ...guards, serve(route, wait));
  return router;
}

/** Answers for every path of a table what no route of it took: the method is another one. To stand behind all of them. */
export function otherMethods(routes: readonly RestRoute[]): Router {
  const router = Router({ caseSensitive: true });
  for (const path of new Set(routes.map((route) => route.path)))
    router.all(
      expressPath(path),
      methodNotAllowed(routes.filter((route) => route.path === path).map(({ method }) => method)),
    );
  return router;
}

/** `/secrets/{name}` as Express writes it. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function serve(route: RestRoute, wait: AppliedWait): RequestHandler {
  return async (request, response) => {
    const call = callOf(route, request, response);
    const answer = await route.handle(call);
    const waitMs = route.isWaitable && waitOf(call.query);
    if (waitMs !== undefined) return answerWaited(route, response, answer, await told(wait, answer, waitMs));
    if (route.streams !== undefined) return;
    if (route.isConditional && route.method === 'get') response.set('ETag', entityTagOf(answer));
    if (route.answer === undefined) response.status(route.status).end();
    else response.status(statusOf(route, answer)).json(answer);
  };
}

/** Also where there is no body otherwise: it is known then what was written, and who has it. */
function answerWaited(route: RestRoute, response: Response, answer: unknown, applied: Applied | null): void {
  if (route.answer !== undefined) response.status(statusOf(route, answer)).json({ ...(answer as object), applied });
  else response.status(200).json({ revision: (answer as { readonly revision: number }).revision, applied });
}

function callOf(route: RestRoute, request: Request, response: Response): Parameters<RestRoute['handle']>[0] {
  const { query, body } = route;
  const parsedQuery = parseForm(query, request.query);
  const conditions = conditionsOf(route, request.headers['if-match']);
  parseInput(body, request.body ?? {});
  return {
    get principal() {
      return principalOf(response);
    },
    params: request.params as Record<string, string>,
    query: parsedQuery,
    conditions,
    body: request.body,
    exchange: { request, response },
  };
}

function statusOf({ status, otherwise }: RestRoute, answer: unknown): number {
  return otherwise?.applies(answer) ? otherwise.status : status;
}
