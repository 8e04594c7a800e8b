import { Router } from 'express';
import type { AuditService } from '../audit/audit.service.ts';
import { auditFilterForm } from '../audit/audit-filter.ts';
import { defaultLimit, pageForm, parseForm } from './page-query.ts';
import { principalOf } from './request-context.ts';

const queryForm = auditFilterForm.extend(pageForm.shape);

/** `/api/audit`: the requests of agents, the newest first. */
export function auditRoutes(audit: AuditService): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const { after, limit = defaultLimit, ...filter } = parseForm(queryForm, request.query);
    response.json(await audit.list(principalOf(response), filter, { after, limit }));
  });
  return router;
}
