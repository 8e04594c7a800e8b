import { type Response, Router } from 'express';
import type { HealthCheck } from './health-check.ts';
import type { Metrics } from './metrics.ts';

/** `/health`, `/livez`, `/readyz` and `/metrics`, without a login: they tell states and counts alone. */
export function healthRoutes(check: HealthCheck, metrics: Metrics): Router {
  const router = Router();
  const answer = async (response: Response): Promise<void> => {
    const health = await check.look();
    response.status(health.status === 'ok' ? 200 : 503).json(health);
  };
  router.get('/health', (_request, response) => answer(response));
  router.get('/livez', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/readyz', async (_request, response) => {
    const { status } = await check.look();
    response.status(status === 'ok' ? 200 : 503).json({ status });
  });
  router.get('/metrics', async (_request, response) => {
    await check.look();
    response.type(metrics.contentType).send(await metrics.text());
  });
  return router;
}
