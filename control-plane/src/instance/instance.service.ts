import { randomUUID } from 'node:crypto';
import { keyCheckValue, verifyKeyCheck } from '@onecli/shared/vault/key-check';
import { Keyring } from '@onecli/shared/vault/keyring';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource, EntityManager } from 'typeorm';
import { authorityEntities } from '../authority/authority.entity.ts';
import { makeAuthority } from '../authority/make-authority.ts';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { type MigrationLog, migrate } from '../database/migrate.ts';
import { lastingKeys } from './lasting-keys.ts';
import { KeyTerms, readStoredTerms } from '../keys/key-terms.ts';
import { hasOlderWriters, markRows } from '../keys/mark-rows.ts';
import { type AlarmLog, RowGuard } from '../keys/row-guard.ts';
import { InstanceFault } from './instance-fault.ts';
import type { InstanceKeys } from './instance-keys.ts';

export interface StoredInstance {
  readonly id: string;
  readonly keyCheck: Buffer;
}

/** One database is one instance with one master key. */
export class InstanceService {
  readonly #dataSource: DataSource;
  readonly #log: (MigrationLog & AlarmLog) | undefined;

  /** @param log is told how the schema is brought up to date, and of rows that were altered */
  constructor(dataSource: DataSource, log?: MigrationLog & AlarmLog) {
    this.#dataSource = dataSource;
    this.#log = log;
  }

  /**
   * Brings the schema up to date and opens the instance; a database without one gets one, with its first key term and
   * its certificate authority. A master key that is not this instance's is refused before anything is written.
   * @throws InstanceFault
   */
  async open(master: MasterKey): Promise<InstanceKeys> {
    await this.#refuseWrongKey(master);
    await migrate(this.#dataSource, this.#log && { log: this.#log });
    const { terms, lasting, rows, isMarked } = await this.#dataSource.transaction(async (manager) => {
      await lockForChange(manager);
      const stored = (await readInstance(manager)) ?? (await createInstance(manager, master));
      const opened = await openInstance(manager, master, stored);
      const keys = await lastingKeys(manager, master, stored.id);
      const guard = new RowGuard(keys['row-mac'], opened.keyring, this.#log);
      const canMark = !opened.keyring.hasRowMacs && !(await hasOlderWriters(manager));
      if (canMark) await markRows(manager, opened, guard);
      return { terms: opened, lasting: keys, rows: guard, isMarked: canMark };
    });
    if (isMarked) rows.marked();
    await terms.refresh(this.#dataSource.manager);
    const { keyring } = terms;
    const { instanceId } = keyring;
    return {
      instanceId,
      keyring,
      terms,
      tokenPepper: lasting['token-pepper'],
      fingerprintKey: lasting.fingerprint,
      busKey: lasting['bus-mac'],
      auditQueueKey: lasting['audit-queue'],
      auditMacKey: lasting['audit-mac'],
      epochKey: lasting.epoch,
      destroyedKey: lasting.destroyed,
      auditSigningSeed: lasting['audit-signing'],
      rows,
    };
  }

  async #refuseWrongKey(master: MasterKey): Promise<void> {
    const [found] = await this.#dataSource.query<{ exists: boolean }[]>(
      "SELECT to_regclass('instance') IS NOT NULL AS exists",
    );
    if (found?.exists !== true) return;
    const stored = await readInstance(this.#dataSource.manager);
    if (stored === undefined) await refuseDataWithoutKey(this.#dataSource.manager);
    else requireKey(master, stored);
  }
}

/** The instance of a database, or undefined when it has none. */
export async function readInstance(manager: EntityManager): Promise<StoredInstance | undefined> {
  const [row] = await manager.query<{ id: string; key_check: Buffer }[]>('SELECT id, key_check FROM instance');
  return row && { id: row.id, keyCheck: row.key_check };
}

function requireKey(master: MasterKey, stored: StoredInstance): void {
  if (verifyKeyCheck(master, stored.id, stored.keyCheck)) return;
  throw new InstanceFault(
    'WRONG_MASTER_KEY',
    `ONECLI_MASTER_KEY is not the master key of this database (instance ${stored.id}). Nothing was changed. Start with the key that the database was created with.`,
  );
}

/** Whatever sealed this data is unknown: a new key would leave it closed for ever. */
async function refuseDataWithoutKey(manager: EntityManager): Promise<void> {
  const tables = ['key_term', 'secret', 'agent', 'policy', 'certificate_authority', 'user_account'];
  const [row] = await manager.query<{ hasData: boolean }[]>(
    `SELECT ${tables.map((table) => `EXISTS (SELECT FROM ${table})`).join(' OR ')} AS "hasData"`,
  );
  if (row?.hasData === false) return;
  throw new InstanceFault(
    'DATA_WITHOUT_KEY',
    'The database has data but no record of its master key, so no key can be checked against it. Nothing was changed. Restore the table `instance` from a backup.',
  );
}

async function createInstance(manager: EntityManager, master: MasterKey): Promise<StoredInstance> {
  await refuseDataWithoutKey(manager);
  const instanceId = randomUUID();
  const { keyring, wrappedTerm } = Keyring.create(master, instanceId);
  const keyCheck = keyCheckValue(master, instanceId);
  await manager.query('INSERT INTO instance (id, key_check) VALUES ($1, $2)', [instanceId, keyCheck]);
  await manager.query('INSERT INTO key_term (term, wrapped_key) VALUES ($1, $2)', [
    wrappedTerm.term,
    wrappedTerm.wrappedKey,
  ]);
  const authority = makeAuthority('GATEWAY', keyring);
  const now = new Date();
  await manager.insert(authorityEntities.GATEWAY, { ...authority, isActive: true, createdAt: now, activatedAt: now });
  await manager.query('UPDATE config_state SET revision = revision + 1');
  await manager.query(
    `INSERT INTO config_change (revision, kind, object_id, operation, principal)
     SELECT revision, 'authority', $1, 'upsert', 'instance' FROM config_state`,
    [authority.id],
  );
  return { id: instanceId, keyCheck };
}

/** Opens the terms of an instance. @throws InstanceFault */
export async function openInstance(
  manager: EntityManager,
  master: MasterKey,
  stored: StoredInstance,
): Promise<KeyTerms> {
  requireKey(master, stored);
  try {
    return new KeyTerms(master, stored.id, await readStoredTerms(manager));
  } catch (cause) {
    if (!(cause instanceof VaultFault)) throw cause;
    const message = `The master key is right, but the key terms of this database do not open: ${cause.message}. Nothing was changed. Restore the table \`key_term\` from a backup.`;
    throw new InstanceFault('KEY_TERM_ALTERED', message, { cause });
  }
}
