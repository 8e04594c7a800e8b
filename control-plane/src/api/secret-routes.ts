import { Router } from 'express';
import type { SecretService } from '../secrets/secret.service.ts';
import { parsePage } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { answerRemoved, pageBody, showDisabled, withDisabled } from './rest-body.ts';

/** `/api/secrets`. No answer has a value. */
export function secretRoutes(secrets: SecretService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    response.json(pageBody(await secrets.list(principalOf(response), parsePage(request.query)), showDisabled));
  });
  router.post('/', async (request, response) => {
    const { object, revision } = await secrets.create(principalOf(response), request.body);
    response.status(201).json({ ...showDisabled(object), revision });
  });
  router.get('/:name', async (request, response) => {
    response.json(showDisabled(await secrets.get(principalOf(response), request.params.name)));
  });
  router.put('/:name', async (request, response) => {
    const { object, revision } = await secrets.put(
      principalOf(response),
      request.params.name,
      withDisabled(request.body),
    );
    response.json({ ...showDisabled(object), revision });
  });
  router.delete('/:name', async (request, response) => {
    await secrets.remove(principalOf(response), request.params.name);
    answerRemoved(response);
  });
  return router;
}
