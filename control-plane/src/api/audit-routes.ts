import { findingKinds } from '@onecli/shared/domain/audit-event';
import { z } from 'zod';
import { auditFilterForm } from '../audit/audit-filter.ts';
import type { AuditService } from '../audit/audit.service.ts';
import { defaultLimit, pageForm } from './page-query.ts';
import { pageOf, texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const event = z
  .strictObject({
    id: z.string(),
    time,
    agent: z.string().nullable(),
    decision: z.enum(['allow', 'deny']),
    reason: z.string(),
    rule: z.string().nullable(),
    host: z.string(),
    port: z.int(),
    method: z.string(),
    path: z.string().nullable().meta({ description: 'Null: the row was altered, and does not open.' }),
    status: z.int().meta({ description: 'What the agent received; 0 when the connection ended before.' }),
    latencyMs: z.number(),
    requestBytes: z.int(),
    responseBytes: z.int(),
    secrets: texts.meta({ description: 'Versions that went out with it: `prod/openai@1`.' }),
    findings: z.array(z.strictObject({ kind: z.enum(findingKinds), place: z.string() })),
    requestId: z.string(),
    revision: z.int(),
    worker: z.string(),
  })
  .meta({ id: 'AuditEvent' });

/** `/api/audit`: the requests of agents, the newest first. */
export function auditRoutes(audit: AuditService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/audit',
      id: 'listAuditEvents',
      summary: 'Requests of agents, the newest first',
      access: 'audit:read',
      query: auditFilterForm.extend(pageForm.shape),
      status: 200,
      answer: pageOf(event),
      handle: ({ principal, query: { after, limit = defaultLimit, ...filter } }) =>
        audit.list(principal, filter, { after, limit }),
    }),
  ];
}
