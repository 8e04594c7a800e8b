import { z } from 'zod';
import type { WorkerService } from '../workers/worker.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { pageOf, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const worker = z
  .strictObject({
    name: z.string(),
    bootId: z.string(),
    version: z.string(),
    appliedRevision: z.int(),
    startedAt: time,
    seenAt: time,
    live: z.boolean().meta({ description: 'It reported within the last ten seconds.' }),
  })
  .meta({ id: 'Worker' });

/** `/api/workers`. */
export function workerRoutes(workers: WorkerService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/workers',
      id: 'listWorkers',
      summary: 'Workers that reported themselves, and the revision that each has applied',
      access: 'worker:read',
      query: pageForm,
      status: 200,
      answer: pageOf(worker),
      handle: async ({ principal, query }) =>
        pageBody(await workers.list(principal, query), ({ isLive, ...worker }) => ({ ...worker, live: isLive })),
    }),
  ];
}
