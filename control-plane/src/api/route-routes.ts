import { z } from 'zod';
import { newRouteInput, routeReplacementInput } from '../routes/route-input.ts';
import type { RouteService } from '../routes/route.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { id, pageOf, revision, texts, standing } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const named = z.strictObject({ name: z.string(), template: z.string() });
const injection = z.union([
  z.strictObject({ header: named }),
  z.strictObject({ query: named }),
  z.strictObject({ path: z.strictObject({ template: z.string() }) }),
  z.strictObject({
    remove: z.union([z.strictObject({ header: z.string() }), z.strictObject({ query: z.string() })]),
  }),
]);

const route = z
  .strictObject({
    id,
    name: z.string(),
    version: z.int().min(1),
    secret: z.string(),
    hosts: texts,
    paths: texts,
    methods: texts,
    inject: z.array(injection),
    problem: z.string().nullable().meta({ description: 'Why it does nothing now; null when it may act.' }),
    ...standing,
  })
  .meta({ id: 'Route' });
const written = route.extend({ revision }).meta({ id: 'WrittenRoute' });

/** `/api/routes`. */
export function routeRoutes(routes: RouteService): RestRoute[] {
  return [...routeReads(routes), ...routeWrites(routes)];
}

function routeReads(routes: RouteService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/routes',
      id: 'listRoutes',
      summary: 'Routes in the order of their names',
      access: 'route:read',
      query: pageForm,
      status: 200,
      answer: pageOf(route),
      handle: async ({ principal, query }) => pageBody(await routes.list(principal, query), (view) => view),
    }),
    restRoute({
      method: 'get',
      path: '/routes/{name}',
      id: 'getRoute',
      isConditional: true,
      summary: 'A route',
      access: 'route:read',
      status: 200,
      answer: route,
      handle: ({ principal, params }) => routes.get(principal, params.name),
    }),
  ];
}

function routeWrites(routes: RouteService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/routes',
      id: 'createRoute',
      isWaitable: true,
      summary: 'Make a route',
      access: 'route:create',
      body: newRouteInput.meta({ id: 'NewRoute' }),
      status: 201,
      answer: written,
      faults: ['NAME_TAKEN'],
      handle: async ({ principal, body }) => {
        const { object, revision } = await routes.create(principal, body);
        return { ...object, revision };
      },
    }),
    restRoute({
      method: 'put',
      path: '/routes/{name}',
      id: 'replaceRoute',
      isWaitable: true,
      isConditional: true,
      summary: 'Replace all of a route but its name',
      access: 'route:update',
      body: routeReplacementInput.meta({ id: 'RouteReplacement' }),
      status: 200,
      answer: written,
      handle: async ({ principal, params, body, conditions }) => {
        const { object, revision } = await routes.replace(principal, params.name, body, conditions);
        return { ...object, revision };
      },
    }),
    restRoute({
      method: 'delete',
      path: '/routes/{name}',
      id: 'deleteRoute',
      isWaitable: true,
      isConditional: true,
      summary: 'Remove a route; absent is fine',
      access: 'route:delete',
      status: 204,
      handle: ({ principal, params, conditions }) => routes.remove(principal, params.name, conditions),
    }),
  ];
}
