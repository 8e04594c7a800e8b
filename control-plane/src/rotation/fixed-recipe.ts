/** What of a recipe stays as it is while a run goes by it. */
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@onecli/shared/fault';
import { type EntityManager, IsNull } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { SecretRow } from '../secrets/secret.entity.ts';
import { type RotationRow, RunEntity } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';
import { isActive, openBody } from './rotation-store.ts';

/** What makes keys, hands them over and ends them: by another one a run would end a key that is in use, or leave one. */
const fixed = ['create', 'webhook', 'generate', 'deliver', 'revoke'] as const;

/**
 * Holds what is to be written against the runs that are under way. When the new version has proven itself, `revoke` alone is still
 * needed, and may be put right.
 * @throws Fault CONFLICT
 */
export async function requireFixedRecipe(
  manager: EntityManager,
  secret: SecretRow,
  { keys, row }: { readonly keys: InstanceKeys; readonly row: RotationRow },
  after: RotationBody & { readonly currentKeyId?: string | undefined },
): Promise<void> {
  const runs = await manager.findBy(RunEntity, { secretId: secret.id, finishedAt: IsNull() });
  const before = runs.length === 0 ? undefined : tryOpenBody(keys, row);
  if (before === undefined) return;
  const active = runs.find(isActive);
  const written = JSON.parse(JSON.stringify(after)) as RotationBody;
  const changed =
    active === undefined
      ? before.revoke !== undefined && after.revoke === undefined && 'revoke'
      : fixed.find((field) => !isDeepStrictEqual(before[field], written[field]));
  const hasOwnKeyId = active?.newVersion === secret.currentVersion && after.currentKeyId !== undefined;
  const field = changed || (hasOwnKeyId && 'currentKeyId');
  if (field)
    throw new Fault(
      'CONFLICT',
      `A rotation of ${secret.name} is under way and goes by \`${field}\`, which has to stay: wait for its end, or cancel it`,
      { field },
    );
}

/** The body of a recipe; undefined for one that was altered: no run goes by it, and it may be set anew. */
export function tryOpenBody(keys: InstanceKeys, row: RotationRow): RotationBody | undefined {
  try {
    return openBody(keys, row);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
