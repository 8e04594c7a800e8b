import express, { type Express, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import type { AgentCertificateService } from '../agents/agent-certificate.service.ts';
import type { AgentService } from '../agents/agent.service.ts';
import type { AuditService } from '../audit/audit.service.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { AuthorityService } from '../authority/authority.service.ts';
import type { HealthCheck } from '../health/health-check.ts';
import { healthRoutes } from '../health/health-routes.ts';
import type { Metrics } from '../health/metrics.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { RouteService } from '../routes/route.service.ts';
import type { SecretService } from '../secrets/secret.service.ts';
import type { WorkerService } from '../workers/worker.service.ts';
import { agentRoutes } from './agent-routes.ts';
import { answerFault, notFound } from './answer-fault.ts';
import { auditRoutes } from './audit-routes.ts';
import { readJson, refuseForeignOrigin, requireLogin } from './guards.ts';
import { policyRoutes } from './policy-routes.ts';
import { openContext } from './request-context.ts';
import { routeRoutes } from './route-routes.ts';
import { secretRoutes } from './secret-routes.ts';
import { workerRoutes } from './worker-routes.ts';

/** Everything that the API calls. */
export interface Services {
  readonly secrets: SecretService;
  readonly agents: AgentService;
  readonly certificates: AgentCertificateService;
  readonly policies: PolicyService;
  readonly routes: RouteService;
  readonly audit: AuditService;
  readonly workers: WorkerService;
  readonly authority: AuthorityService;
}

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
  const guards = [requireLogin(authenticator), refuseForeignOrigin, readJson];
  app.use('/api', ...guards, restRoutes(services));
  app.all('/graphql', ...guards, graphql);
  app.use(notFound);
  app.use(answerFault(log));
  return app;
}

function restRoutes({ secrets, agents, certificates, policies, routes, audit, workers }: Services): Router {
  const router = Router();
  router.use('/secrets', secretRoutes(secrets));
  router.use('/agents', agentRoutes(agents, certificates));
  router.use('/policies', policyRoutes(policies));
  router.use('/routes', routeRoutes(routes));
  router.use('/audit', auditRoutes(audit));
  router.use('/workers', workerRoutes(workers));
  return router;
}
