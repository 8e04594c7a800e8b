import type { EntityManager } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity, type SecretRow } from '../secrets/secret.entity.ts';
import { RotationEntity, RunEntity, type RunRow } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';
import { isRestoreOpen } from './restored.ts';
import { openBody } from './rotation-store.ts';

/** All that a step looks at. */
export interface Standing {
  readonly run: RunRow;
  readonly secret: SecretRow;
  readonly body: RotationBody;
}

/** Where a run that is under way stands; undefined when it has ended, its secret or recipe is gone, or a restore is not confirmed. */
export async function standingOf(
  manager: EntityManager,
  keys: InstanceKeys,
  runId: string,
): Promise<Standing | undefined> {
  const run = await manager.findOneBy(RunEntity, { id: runId });
  if (run === null || run.finishedAt !== null || (await isRestoreOpen(manager))) return undefined;
  const secret = await manager.findOneBy(SecretEntity, { id: run.secretId });
  const rotation = await manager.findOneBy(RotationEntity, { secretId: run.secretId });
  if (secret === null || rotation === null) return undefined;
  return { run, secret, body: openBody(keys, rotation) };
}
