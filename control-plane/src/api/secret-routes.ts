import { scrubModes, surfaces } from '@onecli/shared/domain/binding';
import { z } from 'zod';
import { newSecretInput, secretUpdateInput } from '../secrets/secret-input.ts';
import type { SecretService } from '../secrets/secret.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody, showDisabled, withDisabled } from './rest-body.ts';
import { id, pageOf, revision, standing, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const binding = z.strictObject({
  hosts: z.array(z.string()).min(1),
  surfaces: z.array(z.enum(surfaces)),
  jsonPaths: z.array(z.string()).optional(),
  allowCleartext: z.boolean().optional(),
  scrub: z.enum(scrubModes).optional(),
});

const secret = z
  .strictObject({
    id,
    name: z.string(),
    description: z.string(),
    alias: z.string().nullable().meta({ description: 'Another placeholder for it; no secret.' }),
    binding: binding.nullable().meta({ description: 'Null: bound nowhere, never used.' }),
    version: z.int().min(1),
    versions: z.array(z.int().min(1)),
    disabled: z.boolean(),
    expiresAt: time.nullable().meta({ description: 'From when on it is not used any more.' }),
    leaseSeconds: z.int().min(1).nullable().meta({
      description: 'For how many seconds a worker that cannot reach the database uses it. Null: without end.',
    }),
    maxVersions: z.int().min(1).nullable().meta({ description: 'How many versions are kept; null: all.' }),
    previousAliasUntil: time.nullable().meta({ description: 'When the alias before this one dies.' }),
    lastUsedAt: time.nullable().meta({ description: 'As the audit trail says, some seconds behind.' }),
    fingerprint: z.string().meta({
      description:
        'Keyed, for this secret alone: tells its value from another of its values, and nothing else about it.',
    }),
    valueSetAt: time,
    ...standing,
  })
  .meta({ id: 'Secret' });
export const writtenSecret = secret.extend({ revision }).meta({ id: 'WrittenSecret' });

const { isDisabled: disabled, ...changeable } = secretUpdateInput.shape;
const update = z.strictObject({ ...changeable, disabled }).meta({ id: 'SecretUpdate' });

const daysText = 'must be a whole number of days, 0-3650';
const secretPageForm = pageForm.extend({
  expiring: z
    .string()
    .regex(/^[0-9]{1,4}$/, daysText)
    .transform(Number)
    .refine((days) => days <= 3650, daysText)
    .meta({ description: 'Those alone that expire within so many days, or have expired.' })
    .optional(),
});

/** `/api/secrets`. No answer has a value. */
export function secretRoutes(secrets: SecretService): RestRoute[] {
  return [...secretReads(secrets), ...secretWrites(secrets)];
}

function secretReads(secrets: SecretService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/secrets',
      id: 'listSecrets',
      summary: 'Secrets in the order of their names',
      access: 'secret:read',
      query: secretPageForm,
      status: 200,
      answer: pageOf(secret),
      handle: async ({ principal, query: { expiring, ...page } }) =>
        pageBody(await secrets.list(principal, { ...page, expiringWithinDays: expiring }), showDisabled),
    }),
    restRoute({
      method: 'get',
      path: '/secrets/{name}',
      id: 'getSecret',
      isConditional: true,
      summary: 'A secret, without its value',
      access: 'secret:read',
      status: 200,
      answer: secret,
      handle: async ({ principal, params }) => showDisabled(await secrets.get(principal, params.name)),
    }),
  ];
}

function secretWrites(secrets: SecretService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/secrets',
      id: 'createSecret',
      isWaitable: true,
      summary: 'Make a secret with its first version',
      access: 'secret:create',
      body: newSecretInput.meta({ id: 'NewSecret' }),
      status: 201,
      answer: writtenSecret,
      faults: ['NAME_TAKEN'],
      handle: async ({ principal, body }) => {
        const { object, revision } = await secrets.create(principal, body);
        return { ...showDisabled(object), revision };
      },
    }),
    restRoute({
      method: 'put',
      path: '/secrets/{name}',
      id: 'putSecret',
      isWaitable: true,
      isConditional: true,
      summary: 'Change what is given; a value makes a new version',
      access: 'secret:update',
      body: update,
      status: 200,
      answer: writtenSecret,
      faults: ['SECRET_UNAVAILABLE'],
      handle: async ({ principal, params, body, conditions }) => {
        const { object, revision } = await secrets.put(principal, params.name, withDisabled(body), conditions);
        return { ...showDisabled(object), revision };
      },
    }),
    restRoute({
      method: 'delete',
      path: '/secrets/{name}',
      id: 'deleteSecret',
      isWaitable: true,
      isConditional: true,
      summary: 'Remove a secret with all its versions; absent is fine',
      access: 'secret:delete',
      status: 204,
      faults: ['CONFLICT'],
      handle: ({ principal, params, conditions }) => secrets.remove(principal, params.name, conditions),
    }),
  ];
}
