/** The versions of a secret as rows: their numbers, and how they end. All run inside the transaction of a change. */
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import { DestroyedVersionEntity, type SecretRow, SecretVersionEntity, type SecretVersionRow } from './secret.entity.ts';

/** Tombstones of one secret; the oldest beyond them are forgotten. */
const maxTombstones = 200;

/** The number of the next version: never one that was given out before, although a restore went back in time. */
export async function nextVersion(manager: EntityManager, secretId: string): Promise<number> {
  const [row] = await manager.query<{ next: number }[]>(
    `SELECT 1 + greatest(
       (SELECT coalesce(max(version), 0) FROM secret_version WHERE secret_id = $1),
       (SELECT coalesce(max(version), 0) FROM destroyed_version WHERE secret_id = $1),
       (SELECT coalesce(max(version), 0) FROM destroyed_value WHERE secret_id = $1),
       (SELECT coalesce(max(version), 0) FROM highest_version WHERE secret_id = $1)) AS next`,
    [secretId],
  );
  if (row === undefined) throw new Error('The next version could not be told');
  return row.next;
}

/** A version that is there. @throws Fault NOT_FOUND */
export async function requireVersion(
  manager: EntityManager,
  { id: secretId, name }: SecretRow,
  version: number,
): Promise<SecretVersionRow> {
  const row = await manager.findOneBy(SecretVersionEntity, { secretId, version });
  if (row === null) throw new Fault('NOT_FOUND', `The secret ${name} has no version ${version}, or it was destroyed`);
  return row;
}

/** Destroys a version that is not the current one: its ciphertext and its data key are gone, its number stays taken. */
export async function destroyVersion(manager: EntityManager, secret: SecretRow, version: number): Promise<void> {
  if (version === secret.currentVersion) throw new Error('The current version is never destroyed');
  const { id: secretId } = secret;
  const row = await manager.findOneBy(SecretVersionEntity, { secretId, version });
  if (row === null) return;
  const { fingerprint, createdAt } = row;
  await manager.delete(SecretVersionEntity, { secretId, version });
  await manager.insert(DestroyedVersionEntity, { secretId, version, fingerprint, createdAt, destroyedAt: new Date() });
  await manager.query(
    `DELETE FROM destroyed_version WHERE secret_id = $1 AND version NOT IN
       (SELECT version FROM destroyed_version WHERE secret_id = $1 ORDER BY version DESC LIMIT ${maxTombstones})`,
    [secretId],
  );
}

/**
 * Destroys the oldest versions beyond those that the secret keeps. Neither the current one counts as old, nor one that a
 * rotation is at work with. Gives their numbers.
 */
export async function destroyOld(manager: EntityManager, secret: SecretRow): Promise<number[]> {
  if (secret.maxVersions === null) return [];
  const rows = await manager.query<{ version: number }[]>(
    `SELECT version FROM secret_version
     WHERE secret_id = $1 AND NOT is_pending AND version <> $2 AND version NOT IN
       (SELECT old_version FROM rotation_run WHERE secret_id = $1 AND finished_at IS NULL)
     ORDER BY version DESC OFFSET $3`,
    [secret.id, secret.currentVersion, secret.maxVersions - 1],
  );
  const old = rows.map(({ version }) => version);
  for (const version of old) await destroyVersion(manager, secret, version);
  return old;
}
