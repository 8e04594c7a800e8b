import { z } from 'zod';
import type { HealthCheck } from '../../health/health-check.ts';
import { agentRoutes } from '../agent-routes.ts';
import { adminEventRoutes } from '../admin-event-routes.ts';
import { approvalRoutes } from '../approval-routes.ts';
import { apiKeyRoutes } from '../api-key-routes.ts';
import { loginRoutes } from '../login-routes.ts';
import { sessionRoutes } from '../session-routes.ts';
import { userRoutes } from '../user-routes.ts';
import { authorityRoutes } from '../authority-routes.ts';
import { auditRoutes } from '../audit-routes.ts';
import { auditExportRoutes } from '../audit-export-routes.ts';
import { auditTrailRoutes } from '../audit-trail-routes.ts';
import { auditVerificationRoutes } from '../audit-verification-routes.ts';
import type { Services } from '../services.ts';
import { healthRoute } from '../health-route.ts';
import { keyRoutes } from '../key-routes.ts';
import { planRoutes } from '../plan-routes.ts';
import { policyRoutes } from '../policy-routes.ts';
import { rotationRoutes } from '../rotation-routes.ts';
import { routeRoutes } from '../route-routes.ts';
import { secretRoutes } from '../secret-routes.ts';
import { secretVersionRoutes } from '../secret-version-routes.ts';
import { supportBundleRoutes } from '../support-bundle-routes.ts';
import { workerRoutes } from '../worker-routes.ts';
import { type OpenApiDocument, openApiDocument } from './openapi-document.ts';
import { type RestRoute, restRoute } from './rest-route.ts';

/** All that `/api` serves. A route that is not in this table is neither served nor documented. */
export function restTable(services: Services, health: HealthCheck): readonly RestRoute[] {
  const {
    secrets,
    rotations,
    secretVersions,
    dependents,
    agents,
    certificates,
    policies,
    routes,
    plans,
    audit,
    workers,
    keys,
    authorities,
    backups,
  } = services;
  const { users, passwords, sessions, apiKeys, adminEvents } = services;
  const table: RestRoute[] = [
    ...secretRoutes(secrets),
    ...rotationRoutes(rotations),
    ...secretVersionRoutes(secretVersions, dependents),
    ...agentRoutes(agents, certificates),
    ...policyRoutes(policies),
    ...approvalRoutes(services.approvals),
    ...routeRoutes(routes),
    ...planRoutes(plans),
    ...auditRoutes(audit),
    ...auditExportRoutes(services.auditExports),
    ...auditTrailRoutes(services.trail),
    ...auditVerificationRoutes(services.trail, services.macKeys),
    ...workerRoutes(workers),
    ...keyRoutes(keys, backups),
    ...authorityRoutes(authorities),
    ...supportBundleRoutes(services.supportBundles),
    ...loginRoutes(sessions, passwords),
    ...sessionRoutes(sessions),
    ...userRoutes(users),
    ...apiKeyRoutes(apiKeys),
    ...adminEventRoutes(adminEvents),
    healthRoute(health),
  ];
  table.push(documentRoute(table));
  return table;
}

function documentRoute(table: readonly RestRoute[]): RestRoute {
  let document: OpenApiDocument | undefined;
  return restRoute({
    method: 'get',
    path: '/openapi.json',
    id: 'getOpenApiDocument',
    summary: 'This document',
    access: 'login',
    status: 200,
    answer: z.looseObject({
      openapi: z.string(),
      info: z.looseObject({}),
      paths: z.record(z.string(), z.looseObject({})),
    }),
    handle: () => {
      document ??= openApiDocument(table);
      return Promise.resolve(document);
    },
  });
}
