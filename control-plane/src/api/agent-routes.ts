import { Router } from 'express';
import type { AgentCertificateService } from '../agents/agent-certificate.service.ts';
import type { AgentService } from '../agents/agent.service.ts';
import { parsePage } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { answerRemoved, pageBody, showDisabled, withDisabled } from './rest-body.ts';

/** `/api/agents`. A token and a certificate's key are in the answer that made them, and in no other. */
export function agentRoutes(agents: AgentService, certificates: AgentCertificateService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    response.json(pageBody(await agents.list(principalOf(response), parsePage(request.query)), showDisabled));
  });
  router.post('/', async (request, response) => {
    const { object, token, revision } = await agents.create(principalOf(response), request.body);
    response.status(201).json({ ...showDisabled(object), ...(token !== null && { token }), revision });
  });
  router.get('/:name', async (request, response) => {
    response.json(showDisabled(await agents.get(principalOf(response), request.params.name)));
  });
  router.put('/:name', async (request, response) => {
    const { object, token, revision } = await agents.update(
      principalOf(response),
      request.params.name,
      withDisabled(request.body),
    );
    response.json({ ...showDisabled(object), ...(token !== null && { token }), revision });
  });
  router.delete('/:name', async (request, response) => {
    await agents.remove(principalOf(response), request.params.name);
    answerRemoved(response);
  });
  router.post('/:name/rotate', async (request, response) => {
    const { token, revision } = await agents.rotate(principalOf(response), request.params.name);
    response.json({ token, revision });
  });
  router.post('/:name/certificate', async (request, response) => {
    const { object, revision } = await certificates.issue(principalOf(response), request.params.name, request.body);
    response.status(201).json({ ...object, revision });
  });
  for (const [action, isDisabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    router.post(`/:name/${action}`, async (request, response) => {
      const { object, revision } = await agents.update(principalOf(response), request.params.name, { isDisabled });
      response.json({ ...showDisabled(object), revision });
    });
  }
  return router;
}
