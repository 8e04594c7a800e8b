import { Router } from 'express';
import type { RouteService } from '../routes/route.service.ts';
import { parsePage } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { answerRemoved, pageBody } from './rest-body.ts';

/** `/api/routes`. */
export function routeRoutes(routes: RouteService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    response.json(pageBody(await routes.list(principalOf(response), parsePage(request.query)), (route) => route));
  });
  router.post('/', async (request, response) => {
    const { object, revision } = await routes.create(principalOf(response), request.body);
    response.status(201).json({ ...object, revision });
  });
  router.get('/:name', async (request, response) => {
    response.json(await routes.get(principalOf(response), request.params.name));
  });
  router.put('/:name', async (request, response) => {
    const { object, revision } = await routes.replace(principalOf(response), request.params.name, request.body);
    response.json({ ...object, revision });
  });
  router.delete('/:name', async (request, response) => {
    await routes.remove(principalOf(response), request.params.name);
    answerRemoved(response);
  });
  return router;
}
