import { z } from 'zod';
import { invitationInput, userUpdateInput } from '../auth/users/user-input.ts';
import type { UserService, WrittenUser } from '../auth/users/user.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody, withDisabled } from './rest-body.ts';
import { id, lastRevision, pageOf, revision, time } from './rest/answer-parts.ts';
import { isHeld, roles } from './rest/principal-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const user = z
  .strictObject({
    id,
    name: z.string(),
    roles,
    state: z.enum(['active', 'invited', 'disabled']).meta({ description: '`invited`: has no password, or no more.' }),
    isHeld,
    signedInAt: time.nullable(),
    revision: lastRevision,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'User' });
const written = user.extend({ revision }).meta({ id: 'WrittenUser' });
const linked = written
  .extend({
    token: z.string().meta({ description: 'By it the user sets a password, once. It is told here alone.' }),
    expiresAt: time,
  })
  .meta({ id: 'UserWithLink' });

const { roles: changedRoles, isDisabled: disabled } = userUpdateInput.shape;
const update = z.strictObject({ roles: changedRoles, disabled }).meta({ id: 'UserUpdate' });

/** `/api/users`. */
export function userRoutes(users: UserService): RestRoute[] {
  return [...readRoutes(users), ...writeRoutes(users)];
}

function readRoutes(users: UserService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/users',
      id: 'listUsers',
      summary: 'Users in the order of their names',
      access: 'user:read',
      query: pageForm,
      status: 200,
      answer: pageOf(user),
      handle: async ({ principal, query }) => pageBody(await users.list(principal, query), (view) => view),
    }),
    restRoute({
      method: 'get',
      path: '/users/{name}',
      id: 'getUser',
      isConditional: true,
      summary: 'A user',
      access: 'user:read',
      status: 200,
      answer: user,
      handle: ({ principal, params }) => users.get(principal, params.name),
    }),
  ];
}

function writeRoutes(users: UserService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/users',
      id: 'inviteUser',
      isWaitable: true,
      summary: 'Make a user without a password, and the one-time token by which he sets one',
      access: 'user:create',
      body: invitationInput.meta({ id: 'Invitation' }),
      status: 201,
      answer: linked,
      faults: ['NAME_TAKEN'],
      handle: async ({ principal, body }) => showLink(await users.invite(principal, body)),
    }),
    restRoute({
      method: 'put',
      path: '/users/{name}',
      id: 'updateUser',
      isWaitable: true,
      isConditional: true,
      summary: 'Change roles and state; whoever is disabled is out at once',
      access: 'user:update',
      body: update,
      status: 200,
      answer: written,
      faults: ['LAST_OWNER'],
      handle: async ({ principal, params, body, conditions }) => {
        const { object, revision } = await users.update(principal, params.name, withDisabled(body), conditions);
        return { ...object, revision };
      },
    }),
    restRoute({
      method: 'post',
      path: '/users/{name}/reset',
      id: 'resetUser',
      isWaitable: true,
      isConditional: true,
      summary: 'Take a user’s password away, end his sessions, and give a token by which he sets another',
      access: 'user:update',
      status: 200,
      answer: linked,
      faults: ['LAST_OWNER'],
      handle: async ({ principal, params, conditions }) =>
        showLink(await users.reset(principal, params.name, conditions)),
    }),
    restRoute({
      method: 'delete',
      path: '/users/{name}',
      id: 'deleteUser',
      isWaitable: true,
      isConditional: true,
      summary: 'Remove a user with his sessions and API keys; absent is fine',
      access: 'user:delete',
      status: 204,
      faults: ['LAST_OWNER'],
      handle: ({ principal, params, conditions }) => users.remove(principal, params.name, conditions),
    }),
  ];
}

function showLink({ object, revision, link }: WrittenUser) {
  return { ...object, revision, token: link.token, expiresAt: link.expiresAt };
}
