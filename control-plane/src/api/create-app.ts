import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authenticator.ts';
import type { HealthCheck } from '../health/health-check.ts';
import { healthRoutes } from '../health/health-routes.ts';
import type { Metrics } from '../health/metrics.ts';
import { answerFault, notFound } from './answer-fault.ts';
import { readJson, refuseForeignOrigin, requireLogin } from './guards.ts';
import { openContext } from './request-context.ts';
import { restRouter } from './rest/rest-router.ts';
import { restTable } from './rest/rest-table.ts';
import type { Services } from './services.ts';

export interface AppOptions {
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly health: HealthCheck;
  readonly metrics: Metrics;
  readonly graphql: RequestHandler;
  readonly log: Logger;
}

/**
 * The API of the control plane. In this order: context and headers, what needs no login, login, origin, body, routes, and one place
 * that makes an answer of whatever was thrown.
 */
export function createApp({ services, authenticator, health, metrics, graphql, log }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').enable('case sensitive routing');
  app.use(openContext(log, metrics));
  app.use(healthRoutes(health, metrics));
  app.get('/ca.pem', async (_request, response) => {
    response.type('application/x-pem-file').send(await services.authority.certificatePem());
  });
  const table = restTable(services, health);
  app.use('/api', restRouter(table.filter(({ access }) => access === 'public')));
  const guards = [requireLogin(authenticator), refuseForeignOrigin, readJson];
  app.use('/api', ...guards, restRouter(table.filter(({ access }) => access !== 'public')));
  app.all('/graphql', ...guards, graphql);
  app.use(notFound);
  app.use(answerFault(log));
  return app;
}
