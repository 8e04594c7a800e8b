import { z } from 'zod';
import type { Written } from '../configuration/written.ts';
import { aliasRotationInput, versionInput } from '../secrets/secret-input.ts';
import type { SecretDependentsService } from '../secrets/secret-dependents.service.ts';
import { type SecretVersionService, versionStates } from '../secrets/secret-version.service.ts';
import type { SecretView } from '../secrets/secret-view.ts';
import { writtenSecret } from './secret-routes.ts';
import { showDisabled } from './rest-body.ts';
import { texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const version = z
  .strictObject({
    version: z.int().min(1),
    state: z.enum(versionStates),
    fingerprint: z.string(),
    createdAt: time,
    destroyedAt: time.nullable(),
    lastUsedAt: time.nullable(),
  })
  .meta({ id: 'SecretVersion' });

const hidden = (what: string) =>
  z
    .int()
    .min(0)
    .meta({ description: `Further ${what}, which the caller may not read.` });

const dependents = z
  .strictObject({
    policies: texts,
    hiddenPolicyCount: hidden('policies that grant it'),
    routes: texts,
    hiddenRouteCount: hidden('routes that inject it'),
    agents: texts.meta({ description: 'The first 200.' }),
    agentCount: z.int().min(0),
    hiddenAgentCount: hidden('agents that may use it'),
    lastUsedAt: time.nullable(),
  })
  .meta({ id: 'SecretDependents' });

/** `/api/secrets/{name}/…`: what becomes of a secret's versions and alias. No answer has a value. */
export function secretVersionRoutes(
  versions: SecretVersionService,
  dependentsOf: SecretDependentsService,
): RestRoute[] {
  return [...versionRoutes(versions), ...effectRoutes(versions, dependentsOf)];
}

const show = ({ object, revision }: Written<SecretView>) => ({ ...showDisabled(object), revision });

function versionRoutes(versions: SecretVersionService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/secrets/{name}/versions',
      id: 'listSecretVersions',
      summary: 'The versions of a secret, the newest first',
      access: 'secret:read',
      status: 200,
      answer: z.strictObject({ items: z.array(version) }),
      handle: async ({ principal, params }) => ({ items: await versions.list(principal, params.name) }),
    }),
    restRoute({
      method: 'post',
      path: '/secrets/{name}/rollback',
      id: 'rollBackSecret',
      isWaitable: true,
      isConditional: true,
      summary: 'Make an older version the current one',
      access: 'secret:rotate',
      body: z.strictObject({ version: versionInput }).meta({ id: 'SecretRollback' }),
      status: 200,
      answer: writtenSecret,
      faults: ['CONFLICT'],
      handle: async ({ principal, params, body, conditions }) =>
        show(await versions.rollBack(principal, params.name, body.version, conditions)),
    }),
    restRoute({
      method: 'delete',
      path: '/secrets/{name}/versions/{version}',
      id: 'destroySecretVersion',
      isWaitable: true,
      isConditional: true,
      summary: 'Destroy a version for good',
      access: 'secret:delete',
      status: 200,
      answer: writtenSecret,
      faults: ['CONFLICT'],
      handle: async ({ principal, params, conditions }) =>
        show(await versions.destroy(principal, params.name, Number(params.version), conditions)),
    }),
  ];
}

function effectRoutes(versions: SecretVersionService, dependentsOf: SecretDependentsService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/secrets/{name}/alias',
      id: 'rotateSecretAlias',
      isWaitable: true,
      isConditional: true,
      summary: 'Give a secret another alias',
      access: 'secret:update',
      body: aliasRotationInput.meta({ id: 'AliasRotation' }),
      status: 200,
      answer: writtenSecret,
      handle: async ({ principal, params, body, conditions }) =>
        show(await versions.rotateAlias(principal, params.name, body, conditions)),
    }),
    restRoute({
      method: 'get',
      path: '/secrets/{name}/dependents',
      id: 'listSecretDependents',
      summary: 'What would be different without the secret; what the caller may not read is counted',
      access: 'secret:read',
      status: 200,
      answer: dependents,
      handle: ({ principal, params }) => dependentsOf.of(principal, params.name),
    }),
  ];
}
