import type { EntityManager } from 'typeorm';
import { type SecretRow, SecretVersionEntity } from '../secrets/secret.entity.ts';
import type { SecretVault } from '../secrets/secret-vault.ts';
import type { Filling } from './fill-request.ts';
import type { RunRow } from './rotation.entity.ts';

/** What the variables of a run's templates stand for now. `ended` is the version whose key is to be ended: it then is the old one. */
export async function fillingOf(
  manager: EntityManager,
  vault: SecretVault,
  { run, secret }: { readonly run: RunRow; readonly secret: SecretRow },
  ended = run.oldVersion,
): Promise<Filling> {
  const has = (version: number) => manager.existsBy(SecretVersionEntity, { secretId: secret.id, version });
  const { newVersion } = run;
  const isNewThere = newVersion !== null && (await has(newVersion));
  return {
    secret,
    runId: run.id,
    values: {
      old: (await has(ended)) ? await vault.valueOf(manager, secret, ended) : undefined,
      oldKeyId: await vault.keyIdOf(manager, secret, ended),
      new: isNewThere ? await vault.valueOf(manager, secret, newVersion) : undefined,
      newKeyId: isNewThere ? await vault.keyIdOf(manager, secret, newVersion) : undefined,
    },
  };
}
