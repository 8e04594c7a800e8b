import { Router } from 'express';
import type { WorkerService } from '../workers/worker.service.ts';
import { parsePage } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { pageBody } from './rest-body.ts';

/** `/api/workers`. */
export function workerRoutes(workers: WorkerService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const page = await workers.list(principalOf(response), parsePage(request.query));
    response.json(pageBody(page, ({ isLive, ...worker }) => ({ ...worker, live: isLive })));
  });
  return router;
}
