import { z } from 'zod';
import { describeCaller } from '../auth/describe-caller.ts';
import { clearSessionCookie, readSessionCookie, setSessionCookie } from '../auth/sessions/session-cookie.ts';
import type { SessionService } from '../auth/sessions/session.service.ts';
import type { PasswordService } from '../auth/users/password.service.ts';
import { loginInput, newPasswordInput, passwordChangeInput } from '../auth/users/user-input.ts';
import { addressOf, requestIdOf } from './request-context.ts';
import { id, time } from './rest/answer-parts.ts';
import { actionName, roles } from './rest/principal-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const caller = z
  .strictObject({
    kind: z.enum(['user', 'key', 'local', 'system']),
    name: z.string(),
    roles,
    owner: z.string().nullable().meta({ description: 'Of a key: the user whose key it is.' }),
    actions: z.array(actionName).meta({ description: 'What the caller may do in every environment.' }),
    actionsSomewhere: z.array(actionName).meta({ description: 'What the caller may do in one environment at least.' }),
  })
  .meta({ id: 'Caller' });

const login = z
  .strictObject({
    user: z.string(),
    session: id,
    expiresAt: time.meta({ description: 'When the session ends if it is not used.' }),
    token: z.string().optional().meta({ description: 'For `Authorization: Bearer`, if it was asked for.' }),
  })
  .meta({ id: 'Login' });

const refusals = ['UNAUTHENTICATED', 'TOO_MANY_LOGINS', 'NOT_READY'] as const;

/** `/api/login`, `/api/logout`, `/api/password`, `/api/me`. */
export function loginRoutes(sessions: SessionService, passwords: PasswordService): RestRoute[] {
  return [loginRoute(sessions), logoutRoute(sessions), ...passwordRoutes(passwords), meRoute()];
}

function loginRoute(sessions: SessionService): RestRoute {
  return restRoute({
    method: 'post',
    path: '/login',
    id: 'login',
    summary: 'Open a session; it comes as a cookie, or as a token if that is asked for',
    access: 'public',
    body: loginInput.meta({ id: 'Credentials' }),
    status: 200,
    answer: login,
    faults: refusals,
    handle: async ({ body, exchange: { request, response } }) => {
      const { token, session, inBody } = await sessions.login(body, {
        address: addressOf(request),
        requestId: requestIdOf(response),
        client: request.headers['user-agent'] ?? '',
        earlier: readSessionCookie(request),
      });
      if (!inBody) setSessionCookie(request, response, token);
      const { user, id: sessionId, expiresAt } = session;
      return { user, session: sessionId, expiresAt, ...(inBody && { token }) };
    },
  });
}

function logoutRoute(sessions: SessionService): RestRoute {
  return restRoute({
    method: 'post',
    path: '/logout',
    id: 'logout',
    summary: 'End the session that the call comes with, if any',
    access: 'public',
    status: 204,
    faults: ['NOT_READY'],
    handle: async ({ exchange: { request, response } }) => {
      const { authorization } = request.headers;
      const token = readSessionCookie(request) ?? /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
      await sessions.logout(token, { address: addressOf(request), requestId: requestIdOf(response) });
      clearSessionCookie(request, response);
      return undefined;
    },
  });
}

function passwordRoutes(passwords: PasswordService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/password',
      id: 'setPassword',
      summary: 'Set a password with the one-time token of an invitation or a reset',
      access: 'public',
      body: newPasswordInput.meta({ id: 'NewPassword' }),
      status: 200,
      answer: z.strictObject({ user: z.string() }),
      faults: refusals,
      handle: ({ body, exchange: { request, response } }) =>
        passwords.setByLink(body, { address: addressOf(request), requestId: requestIdOf(response) }),
    }),
    restRoute({
      method: 'put',
      path: '/me/password',
      id: 'changePassword',
      summary: 'Change one’s own password; all one’s sessions end',
      access: 'own:password',
      body: passwordChangeInput.meta({ id: 'PasswordChange' }),
      status: 204,
      handle: async ({ principal, body }) => {
        await passwords.change(principal, body);
        return undefined;
      },
    }),
  ];
}

function meRoute(): RestRoute {
  return restRoute({
    method: 'get',
    path: '/me',
    id: 'getCaller',
    summary: 'Who calls, and what he may do',
    access: 'login',
    status: 200,
    answer: caller,
    handle: ({ principal }) => Promise.resolve(describeCaller(principal)),
  });
}
