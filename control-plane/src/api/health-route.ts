import { z } from 'zod';
import type { HealthCheck } from '../health/health-check.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const state = z.enum(['up', 'down']);

/** What `/health` answers too. */
const health = z
  .strictObject({
    status: z.enum(['ok', 'unavailable', 'draining']),
    revision: z.int().nullable().meta({ description: 'Of the configuration; null when the database is away.' }),
    database: state,
    bus: state,
    queue: state,
  })
  .meta({ id: 'Health' });

/** `/api/health`. */
export function healthRoute(check: HealthCheck): RestRoute {
  return restRoute({
    method: 'get',
    path: '/health',
    id: 'getHealth',
    summary: 'How the control plane is',
    access: 'public',
    status: 200,
    answer: health,
    otherwise: { status: 503, summary: 'It should get no traffic now', applies: ({ status }) => status !== 'ok' },
    handle: () => check.look(),
  });
}
