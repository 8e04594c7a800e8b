import { z } from 'zod';
import { newApiKeyInput } from '../auth/keys/api-key-input.ts';
import type { ApiKeyService } from '../auth/keys/api-key.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { id, lastRevision, pageOf, revision, texts, time } from './rest/answer-parts.ts';
import { isHeld, roles } from './rest/principal-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const key = z
  .strictObject({
    id,
    name: z.string(),
    owner: z.string().nullable().meta({ description: 'Null: made by the command line of the gateway’s machine.' }),
    prefix: z.string().meta({ description: 'Its first characters.' }),
    roles: roles.nullable().meta({ description: 'Null: those that its owner has.' }),
    actions: texts.nullable().meta({ description: 'Null: all that its roles let it do.' }),
    environments: texts.nullable().meta({ description: 'Null: all in which its roles hold.' }),
    createdAt: time,
    expiresAt: time.nullable(),
    usedAt: time.nullable().meta({ description: 'When it was last used, to within five minutes.' }),
    isHeld,
    revision: lastRevision,
  })
  .meta({ id: 'ApiKey' });

const all = z
  .enum(['true', 'false'], { error: 'must be `true` or `false`' })
  .optional()
  .meta({ description: 'Everybody’s, not only the caller’s own.' });

/** `/api/api-keys`. */
export function apiKeyRoutes(keys: ApiKeyService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/api-keys',
      id: 'listApiKeys',
      summary: 'API keys in the order of their names',
      access: 'own:api-key',
      query: pageForm.extend({ all }),
      status: 200,
      answer: pageOf(key),
      handle: async ({ principal, query: { all: everybodys, ...page } }) =>
        pageBody(await keys.list(principal, { ...page, all: everybodys === 'true' }), (view) => view),
    }),
    restRoute({
      method: 'post',
      path: '/api-keys',
      id: 'createApiKey',
      isWaitable: true,
      summary: 'Make an API key; it can never do more than its maker',
      access: 'own:api-key',
      body: newApiKeyInput.meta({ id: 'NewApiKey' }),
      status: 201,
      answer: key
        .extend({ revision, token: z.string().meta({ description: 'The key itself. It is told here alone.' }) })
        .meta({ id: 'WrittenApiKey' }),
      faults: ['NAME_TAKEN'],
      handle: async ({ principal, body }) => {
        const { object, revision: at, token } = await keys.create(principal, body);
        return { ...object, revision: at, token };
      },
    }),
    restRoute({
      method: 'get',
      path: '/api-keys/{name}',
      id: 'getApiKey',
      isConditional: true,
      summary: 'An API key, without its text',
      access: 'own:api-key',
      status: 200,
      answer: key,
      handle: ({ principal, params }) => keys.get(principal, params.name),
    }),
    restRoute({
      method: 'delete',
      path: '/api-keys/{name}',
      id: 'revokeApiKey',
      isWaitable: true,
      isConditional: true,
      summary: 'End an API key at once; absent is fine',
      access: 'own:api-key',
      status: 204,
      handle: ({ principal, params, conditions }) => keys.revoke(principal, params.name, conditions),
    }),
  ];
}
