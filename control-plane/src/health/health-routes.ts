import { type Response, Router } from 'express';
import type { HealthCheck } from './health-check.ts';
import type { Gauges, Metrics } from './metrics.ts';

/** `/health`, `/livez`, `/readyz` and `/metrics`, without a login: they tell states and counts alone. */
export function healthRoutes(check: HealthCheck, metrics: Metrics, gauges: () => Promise<Gauges>): Router {
  const router = Router();
  // Anybody may ask, and it counts rows: those who ask at the same time share one look.
  let looking: Promise<Gauges> | undefined;
  const sharedGauges = () => (looking ??= gauges().finally(() => (looking = undefined)));
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
    const { database } = await check.look();
    // A database that does not answer would hold up the metrics that say so.
    metrics.take(database === 'up' ? await sharedGauges() : { queue: undefined, workers: undefined, pool: undefined });
    response.type(metrics.contentType).send(await metrics.text());
  });
  return router;
}
