import { z } from 'zod';
import { adminEventFilterForm } from '../auth/events/admin-event-filter.ts';
import type { AdminEventService } from '../auth/events/admin-event.service.ts';
import { defaultLimit, pageForm } from './page-query.ts';
import { id, pageOf, revision, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const event = z
  .strictObject({
    id,
    time,
    principal: z.string().meta({ description: '`user:alice`, `key:deploy`, `local:local`, or `nobody`.' }),
    owner: z.string().nullable().meta({ description: 'Whose key it was.' }),
    action: z.string(),
    objectKind: z.string(),
    objectName: z.string(),
    outcome: z.enum(['done', 'refused']),
    reason: z.string().nullable().meta({ description: 'The code of the refusal.' }),
    address: z.string().nullable(),
    requestId: z.string().nullable().meta({ description: 'The X-Request-Id of the call.' }),
    revision,
    detail: z.record(z.string(), z.unknown()).meta({
      description: 'The fields that changed, and before and after of those that may be shown.',
    }),
  })
  .meta({ id: 'AdminEvent' });

/** `/api/admin-events`: what principals did and were refused, the newest first. */
export function adminEventRoutes(events: AdminEventService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/admin-events',
      id: 'listAdminEvents',
      summary: 'What principals did and were refused, the newest first',
      access: 'admin-event:read',
      query: adminEventFilterForm.extend(pageForm.shape),
      status: 200,
      answer: pageOf(event),
      handle: async ({ principal, query: { after, limit = defaultLimit, ...filter } }) => {
        const { items, next } = await events.list(principal, filter, { after, limit });
        return { items: items.map(({ event: shown }) => shown), next };
      },
    }),
  ];
}
