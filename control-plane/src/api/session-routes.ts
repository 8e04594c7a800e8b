import { z } from 'zod';
import type { SessionService } from '../auth/sessions/session.service.ts';
import { id, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const session = z
  .strictObject({
    id,
    user: z.string(),
    address: z.string().meta({ description: 'Where the login came from.' }),
    client: z.string().meta({ description: 'What the client said of itself.' }),
    createdAt: time,
    seenAt: time,
    expiresAt: time.meta({ description: 'When it ends if it is not used.' }),
  })
  .meta({ id: 'Session' });

const userName = z.string().min(1).max(128);

/** `/api/sessions`. */
export function sessionRoutes(sessions: SessionService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/sessions',
      id: 'listSessions',
      summary: 'The living sessions of the caller, or of a user; the newest first',
      access: 'own:session',
      query: z.strictObject({ user: userName.optional().meta({ description: 'Whose; absent: the caller’s.' }) }),
      status: 200,
      answer: z.strictObject({ items: z.array(session) }),
      faults: ['NOT_FOUND'],
      handle: async ({ principal, query }) => ({ items: await sessions.list(principal, query.user) }),
    }),
    restRoute({
      method: 'delete',
      path: '/sessions/{id}',
      id: 'revokeSession',
      isWaitable: true,
      summary: 'End a session; one that is over is fine',
      access: 'own:session',
      status: 204,
      handle: ({ principal, params }) => sessions.revoke(principal, params.id),
    }),
  ];
}
