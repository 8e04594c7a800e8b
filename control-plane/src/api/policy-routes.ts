import { Router } from 'express';
import type { PolicyService } from '../policies/policy.service.ts';
import { parsePage } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { answerRemoved, pageBody } from './rest-body.ts';

/** `/api/policies`. */
export function policyRoutes(policies: PolicyService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    response.json(pageBody(await policies.list(principalOf(response), parsePage(request.query)), (policy) => policy));
  });
  router.post('/', async (request, response) => {
    const { object, revision } = await policies.create(principalOf(response), request.body);
    response.status(201).json({ ...object, revision });
  });
  router.get('/:name', async (request, response) => {
    response.json(await policies.get(principalOf(response), request.params.name));
  });
  router.put('/:name', async (request, response) => {
    const { object, revision } = await policies.replace(principalOf(response), request.params.name, request.body);
    response.json({ ...object, revision });
  });
  router.delete('/:name', async (request, response) => {
    await policies.remove(principalOf(response), request.params.name);
    answerRemoved(response);
  });
  return router;
}
