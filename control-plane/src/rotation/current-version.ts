import type { ConfigTransaction } from '../configuration/change-config.ts';
import { SecretEntity, type SecretRow, SecretVersionEntity } from '../secrets/secret.entity.ts';
import type { RunRow } from './rotation.entity.ts';

/** Makes a version of a secret, which may be pending, the current one. */
export async function makeCurrent(tx: ConfigTransaction, secret: SecretRow, version: number): Promise<void> {
  const written = { currentVersion: version, updatedAt: new Date(), revision: tx.revision };
  await tx.manager.update(SecretVersionEntity, { secretId: secret.id, version }, { isPending: false });
  await tx.manager.update(SecretEntity, { id: secret.id }, written);
  tx.changed('secret', secret.id, 'upsert');
}

/** Keeps a run's new version, which does not stay current: it may be pinned, made current and destroyed by hand. */
export async function keepVersion(tx: ConfigTransaction, { id: secretId }: SecretRow, version: number): Promise<void> {
  await tx.manager.update(SecretVersionEntity, { secretId, version }, { isPending: false });
  tx.changed('secret', secretId, 'upsert');
}

/** Takes a run's new version back, which is the current one. False: the old one was destroyed meanwhile. */
export async function bringBackOld(tx: ConfigTransaction, secret: SecretRow, run: RunRow): Promise<boolean> {
  if (!(await tx.manager.existsBy(SecretVersionEntity, { secretId: secret.id, version: run.oldVersion }))) return false;
  await makeCurrent(tx, secret, run.oldVersion);
  const rejected = { secretId: secret.id, version: run.newVersion ?? 0 };
  await tx.manager.update(SecretVersionEntity, rejected, { isPending: true });
  return true;
}
