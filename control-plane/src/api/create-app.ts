import express, { type Express, type Router } from 'express';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authenticator.ts';
import type { RefusalRecord } from '../auth/events/refusal-record.ts';
import type { HealthCheck } from '../health/health-check.ts';
import { healthRoutes } from '../health/health-routes.ts';
import type { Gauges, Metrics } from '../health/metrics.ts';
import type { ControlPlaneTracing } from '../telemetry.ts';
import { answerFault, notFound } from './answer-fault.ts';
import { backupHandler } from './backup-handler.ts';
import type { GraphqlApi } from './graphql-api.ts';
import {
  readJson,
  readSmallJson,
  refuseForeignAlways,
  refuseForeignOrigin,
  requireLogin,
  requireLoginStill,
} from './guards.ts';
import { openContext } from './request-context.ts';
import { onlyUpgrades, upgradeRoute } from './upgrade-route.ts';
import { methodNotAllowed } from './rest/method-not-allowed.ts';
import { otherMethods, restRouter } from './rest/rest-router.ts';
import type { RestRoute } from './rest/rest-route.ts';
import { restTable } from './rest/rest-table.ts';
import type { Services } from './services.ts';

export interface AppOptions {
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly refusals: RefusalRecord;
  /** Addresses and ranges of proxies that tell the client’s address, host and scheme in `X-Forwarded-…`. */
  readonly trustedProxies: readonly string[];
  readonly health: HealthCheck;
  readonly metrics: Metrics;
  /** Looks up what the metrics tell of the database. */
  readonly gauges: () => Promise<Gauges>;
  readonly graphql: GraphqlApi;
  /** Absent: it was not built. */
  readonly dashboard: Router | undefined;
  readonly log: Logger;
  readonly tracing?: ControlPlaneTracing | undefined;
}

/**
 * The API of the control plane. In this order: context and headers, what needs no login, login, origin, body, routes, and one place
 * that makes an answer of whatever was thrown.
 */
export function createApp(options: AppOptions): Express {
  const { services, authenticator, refusals, trustedProxies, health, metrics, gauges, graphql, dashboard, log } =
    options;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').enable('case sensitive routing');
  app.set('trust proxy', [...trustedProxies]);
  app.use(openContext(log, metrics, options.tracing));
  app.use(healthRoutes(health, metrics, gauges));
  app.get('/ca.pem', async (_request, response) => {
    response.type('application/x-pem-file').send(await services.authorities.bundlePem());
  });
  app.all(['/health', '/livez', '/readyz', '/metrics', '/ca.pem'], methodNotAllowed(['get']));
  const table = restTable(services, health);
  app.use(
    '/api',
    restRouter(
      table.filter(({ access }) => access === 'public'),
      services.applied,
      [refuseForeignOrigin, readSmallJson],
    ),
  );
  const login = requireLogin(authenticator);
  const body = [readJson(), requireLoginStill];
  const guards = [login, refuseForeignOrigin, ...body];
  const signedIn = table.filter(({ access }) => access !== 'public');
  app.use('/api', ...guards, restRouter(signedIn, services.applied), otherMethods(table));
  app.get('/graphql', onlyUpgrades, login, upgradeRoute(graphql.subscriptions, services));
  app.all('/graphql', login, refuseForeignAlways, ...body, graphql.handler);
  app.post('/backup', ...guards, backupHandler(services.backups));
  app.all('/backup', ...guards, methodNotAllowed(['post']));
  if (dashboard !== undefined) app.use(dashboard);
  app.use(notFound);
  app.use(answerFault({ places: placesOf(table), log, refusals, metrics }));
  return app;
}

/** The heads of the paths of the API's routes, of those without a login too. */
function placesOf(table: readonly RestRoute[]): ReadonlySet<string> {
  return new Set(['/graphql', '/backup', ...table.map(({ path }) => `/api${path.split('/', 2).join('/')}`)]);
}
