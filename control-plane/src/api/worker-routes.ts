import { z } from 'zod';
import type { WorkerService } from '../workers/worker.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { pageOf, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const load = z
  .strictObject({
    connections: z.int().meta({ description: 'Open connections of agents.' }),
    requestsPerSecond: z.number(),
    cpuShare: z.number().meta({ description: 'Of one core: 1 is a core that did nothing else.' }),
    memoryBytes: z.int(),
    spoolBytes: z.int().nullable().meta({ description: 'What its audit spool holds that is not written yet.' }),
  })
  .meta({ id: 'WorkerLoad', description: 'Averages of the seconds before its last report.' });

const worker = z
  .strictObject({
    name: z.string(),
    bootId: z.string(),
    version: z.string(),
    appliedRevision: z.int(),
    startedAt: time,
    seenAt: time,
    live: z.boolean().meta({ description: 'It reported within the last ten seconds.' }),
    load: load.nullable().meta({ description: 'Null: of a release that does not tell.' }),
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
    restRoute({
      method: 'delete',
      path: '/workers/{name}',
      id: 'forgetWorker',
      isWaitable: true,
      summary: 'Say that a silent worker is gone; one that is heard of again is known again, and absent is fine',
      access: 'worker:forget',
      status: 204,
      handle: ({ principal, params }) => workers.forget(principal, params.name),
    }),
  ];
}
