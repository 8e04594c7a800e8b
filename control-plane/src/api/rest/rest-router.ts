import { type Request, type RequestHandler, type Response, Router } from 'express';
import { parseInput } from '../../configuration/parse-input.ts';
import { parseForm } from '../page-query.ts';
import { principalOf } from '../request-context.ts';
import { conditionsOf, entityTagOf } from './conditional-writes.ts';
import { methodNotAllowed } from './method-not-allowed.ts';
import type { RestRoute } from './rest-route.ts';

/** Serves the routes of a table, in its order, each behind `guards`, which let through, refuse, or read the body. */
export function restRouter(routes: readonly RestRoute[], guards: readonly RequestHandler[] = []): Router {
  const router = Router({ caseSensitive: true });
  for (const route of routes) router[route.method](expressPath(route.path), ...guards, serve(route));
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

function serve(route: RestRoute): RequestHandler {
  return async (request, response) => {
    const answer = await route.handle(callOf(route, request, response));
    if (route.streams !== undefined) return;
    if (route.isConditional && route.method === 'get') response.set('ETag', entityTagOf(answer));
    if (route.answer === undefined) response.status(route.status).end();
    else response.status(statusOf(route, answer)).json(answer);
  };
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
