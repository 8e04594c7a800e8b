import type { BackupKey } from '@onecli/shared/vault/backup-file';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { type ChangeConfig, currentRevision } from '../configuration/change-config.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { confirmRestored } from './confirm-restored.ts';
import { writeBackup } from './write-backup.ts';

const backupInput = z.strictObject({
  audit: z.boolean().default(false),
  passphrase: z.string().min(12, 'expected at least 12 characters').max(1024).optional(),
});

/** Backups of a running instance, and the word that workers may take a restored one. */
export class BackupService {
  readonly #database: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;
  readonly #master: MasterKey;

  constructor(database: DataSource, change: ChangeConfig, keys: InstanceKeys, master: MasterKey) {
    this.#database = database;
    this.#change = change;
    this.#keys = keys;
    this.#master = master;
  }

  /**
   * A sealed backup as of now, piece by piece, for `{ audit?, passphrase? }`. That it was made is recorded first.
   * @throws Fault FORBIDDEN, INVALID
   */
  async create(principal: Principal, input: unknown): Promise<AsyncGenerator<Buffer>> {
    authorize(principal, 'backup:create');
    const { audit: hasAudit, passphrase } = parseInput(backupInput, input);
    if (!this.#keys.terms.isMasterKeyCurrent)
      throw new Fault('NOT_READY', 'The master key was replaced: restart this control plane with the new one');
    await this.#change.changeConfig(principal, async (tx) =>
      tx.audit('backup:create', 'keys', 'backup', {
        hasAudit,
        keyFrom: passphrase === undefined ? 'master-key' : 'passphrase',
      }),
    );
    const key: BackupKey = passphrase === undefined ? { master: this.#master } : { passphrase };
    return writeBackup(this.#database, { instanceId: this.#keys.instanceId, key, hasAudit });
  }

  /** Lets workers take the configuration as it is, although it went back in time. @throws Fault FORBIDDEN */
  async confirmRestore(principal: Principal): Promise<{ readonly revision: number }> {
    authorize(principal, 'backup:confirm');
    const { result: revision } = await this.#change.changeConfig(principal, async (tx) => {
      await confirmRestored(tx.manager, this.#keys.epochKey, tx.audit);
      return currentRevision(tx.manager);
    });
    return { revision };
  }
}
