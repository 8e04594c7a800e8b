import { type BackupHeader, openBackup } from '@onecli/shared/vault/backup-file';
import { verifyKeyCheck } from '@onecli/shared/vault/key-check';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { DataSource, EntityManager } from 'typeorm';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { lastingKeys } from '../instance/lasting-keys.ts';
import { openInstance, readInstance } from '../instance/instance.service.ts';
import { markRows } from '../keys/mark-rows.ts';
import { type AlarmLog, RowGuard } from '../keys/row-guard.ts';
import { type AdminAct, insertOfInstance } from '../auth/events/admin-event-store.ts';
import type { RestoredRun } from '../rotation/restored.ts';
import { appliedMigrations, backupTables, quoted } from './backup-tables.ts';
import { type Audit, confirmEpoch } from './confirm-restored.ts';
import { type DestroyedValue, joinDestroyed, readDestroyedFile } from './destroyed-list.ts';
import { insertLines } from './insert-lines.ts';
import { raiseRevision } from './raise-revision.ts';
import {
  holdReturning,
  keepNumbers,
  keepTerms,
  readReplaced,
  type ReplacedDatabase,
  type Returning,
} from './replaced-database.ts';
import { RestoreFault } from './restore-fault.ts';

export interface RestoreOptions {
  readonly file: AsyncIterable<Buffer>;
  /** The master key of the instance in the backup. */
  readonly master: MasterKey;
  readonly passphrase: string | undefined;
  /** A file with the list of what was destroyed. */
  readonly destroyedFile: string | undefined;
  /** Restores although nothing tells what was destroyed since the backup. */
  readonly acceptsRevival: boolean;
  /** Replaces what is in the database. */
  readonly isReplacing: boolean;
  /** Workers may take it. Else they wait for `onecli restore --confirm`. */
  readonly isConfirmed: boolean;
  /** Told when the rows of the backup are given MACs. */
  readonly log?: AlarmLog;
}

export interface RestoreReport {
  readonly header: BackupHeader;
  readonly rows: number;
  /** Values that the backup held and that stay dead. */
  readonly keptDead: number;
  /** Secrets whose current value stays dead: disabled until they get a new one. */
  readonly disabled: readonly string[];
  /** Rotations of the backup's day that were under way, and end with its confirmation. */
  readonly endedRuns: readonly RestoredRun[];
  /** Held until it is confirmed. */
  readonly returning: Returning;
  /** Key terms of audit events that stay and do not open any more: the master key of the backup's day does not open them. */
  readonly lostTerms: readonly number[];
}

/**
 * Puts a backup into a database whose schema is up to date, in one transaction: whatever is wrong with the file, nothing changes.
 * Running processes keep what they have until it is confirmed.
 * @throws RestoreFault, VaultFault CANNOT_OPEN for a file that was altered or is under another key
 */
export async function restoreBackup(database: DataSource, options: RestoreOptions): Promise<RestoreReport> {
  const backup = await openBackup(options.file);
  const { header } = backup;
  const { passphrase, master } = options;
  const content = backup.content(header.keyFrom === 'master-key' ? { master } : { passphrase: passphrase ?? '' });
  const { report, marked } = await database.transaction('READ COMMITTED', async (manager) => {
    await lockForChange(manager);
    await requireFits(manager, header);
    const target = await readReplaced(manager);
    if (!options.isReplacing) await requireEmpty(manager);
    const tables = await backupTables(manager, header);
    await manager.query(`TRUNCATE ${[...tables, 'config_change'].map(quoted).join(', ')} CASCADE`);
    const rows = await insertLines(manager, content, new Set(tables));
    await forgetHolders(manager);
    await forgetApprovals(manager);

    const { lasting, marked: markedRows } = await openRestored(manager, options);
    const destroyed = destroyedValues(options, target, header, lasting.destroyed);
    await keepNumbers(manager, target);
    const lostTerms = header.hasAudit
      ? []
      : await keepTerms(manager, target, { master, instanceId: header.instanceId });
    const returning = await holdReturning(manager, target, options.isConfirmed);
    const acts: AdminAct[] = [];
    await beginEpoch(manager, target);
    const endedRuns = options.isConfirmed ? await confirmEpoch(manager, lasting.epoch, auditInto(acts)) : [];
    const dead = await keepDead(manager, destroyed);
    const done: RestoreReport = { header, rows, returning, lostTerms, endedRuns, ...dead };
    // In the record that is here now: the backup's where it has one, else that of the replaced database.
    await insertOfInstance(manager, [restoreAct(done, target), ...acts]);
    return { report: done, marked: markedRows };
  });
  marked?.marked();
  return report;
}

/** What was approved when the backup was made may have been ended since. */
async function forgetApprovals(manager: EntityManager): Promise<void> {
  await manager.query("DELETE FROM policy WHERE name LIKE 'approval/%'");
}

/** Who was given a certificate after the backup is not known: until the last of those has ended, no client authority is safe to retire. */
async function forgetHolders(manager: EntityManager): Promise<void> {
  await manager.query("UPDATE client_authority SET unrecorded_until = now() + interval '365 days'");
}

async function requireFits(manager: EntityManager, header: BackupHeader): Promise<void> {
  const applied = new Set(await appliedMigrations(manager));
  const later = header.migrations.filter((name) => !applied.has(name));
  if (later.length === 0) return;
  throw new RestoreFault(`The backup was made by a later release (${later.join(', ')}). Restore it with that one.`);
}

async function requireEmpty(manager: EntityManager): Promise<void> {
  const tables = ['secret', 'agent', 'policy', 'route'];
  const [row] = await manager.query<{ has_data: boolean }[]>(
    `SELECT ${tables.map((table) => `EXISTS (SELECT FROM ${table})`).join(' OR ')} AS has_data`,
  );
  if (row?.has_data === true)
    throw new RestoreFault('The database is not empty: nothing was changed. To lose what is in it: --replace');
}

/** The master key has to be that of what was restored: nobody could start it otherwise. Gives the guard of rows that were marked. */
async function openRestored(manager: EntityManager, { master, log }: RestoreOptions) {
  const stored = await readInstance(manager);
  if (stored === undefined) throw new RestoreFault('The backup holds no instance.');
  if (!verifyKeyCheck(master, stored.id, stored.keyCheck))
    throw new RestoreFault(
      'The backup was made under another master key than this one. Restore it with the key of its day, then run `onecli keys rekey`.',
    );
  const lasting = await lastingKeys(manager, master, stored.id);
  const terms = await openInstance(manager, master, stored);
  // Of a release from before: the backup is authentic, and so are its rows.
  if (terms.keyring.hasRowMacs) return { lasting };
  const rows = new RowGuard(lasting['row-mac'], terms.keyring, log);
  await markRows(manager, terms, rows);
  return { lasting, marked: rows };
}

/** What must stay dead, by all that is known: the database that is replaced, and the file. @throws RestoreFault when nothing is */
function destroyedValues(
  { destroyedFile, acceptsRevival }: RestoreOptions,
  target: ReplacedDatabase,
  header: BackupHeader,
  key: Buffer,
): DestroyedValue[] {
  const isSame = target.instanceId === header.instanceId;
  if (!isSame && destroyedFile === undefined && !acceptsRevival) {
    throw new RestoreFault(
      `Nothing tells which secrets were destroyed after ${header.createdAt}: they would come back. Give the list of the lost instance with --destroyed FILE, or accept it with --accept-revival.`,
    );
  }
  return joinDestroyed(
    isSame ? target.destroyed : [],
    destroyedFile === undefined ? [] : readDestroyedFile(destroyedFile, key),
  );
}

async function beginEpoch(manager: EntityManager, target: ReplacedDatabase): Promise<void> {
  await manager.query(
    `UPDATE config_state SET restored_at = now(), epoch_mac = NULL, epoch = greatest(epoch, $1::bigint) + 1,
       key_generation = greatest(key_generation, $2::bigint) + 1`,
    [target.epoch, target.keyGeneration],
  );
  await raiseRevision(manager, target.revision);
}

/** What is recorded of a restore. What it confirms has events of its own. */
function restoreAct(
  { header, rows, returning, keptDead, disabled }: RestoreReport,
  target: ReplacedDatabase,
): AdminAct {
  const { instanceId, createdAt, revision, keyFrom, hasAudit } = header;
  const detail = {
    backup: { instanceId, createdAt, revision, keyFrom, hasAudit },
    replaced: { instanceId: target.instanceId ?? null, revision: target.revision },
    rows,
    returning: { users: returning.users.length, apiKeys: returning.apiKeys.length },
    keptDead,
    disabled: disabled.length,
  };
  return { action: 'backup:restore', objectKind: 'keys', objectName: 'restore', detail };
}

function auditInto(acts: AdminAct[]): Audit {
  return (action, objectKind, objectName, detail = {}) => void acts.push({ action, objectKind, objectName, detail });
}

async function keepDead(
  manager: EntityManager,
  destroyed: readonly DestroyedValue[],
): Promise<Pick<RestoreReport, 'keptDead' | 'disabled'>> {
  const ids = [destroyed.map(({ secretId }) => secretId), destroyed.map(({ version }) => version)];
  const [dead] = await manager.query<{ count: string }[]>(
    `WITH dead AS (
       DELETE FROM secret_version v USING unnest($1::uuid[], $2::integer[]) AS d(id, version)
       WHERE v.secret_id = d.id AND v.version = d.version RETURNING 1)
     SELECT count(*) AS count FROM dead`,
    ids,
  );
  await manager.query(
    `INSERT INTO destroyed_value (secret_id, version) SELECT * FROM unnest($1::uuid[], $2::integer[]) ON CONFLICT DO NOTHING`,
    ids,
  );
  await manager.query('DELETE FROM secret s WHERE NOT EXISTS (SELECT FROM secret_version v WHERE v.secret_id = s.id)');
  const disabled = await manager.query<{ name: string }[]>(
    `SELECT name FROM secret s WHERE NOT EXISTS
       (SELECT FROM secret_version v WHERE v.secret_id = s.id AND v.version = s.current_version) ORDER BY name`,
  );
  await manager.query(
    `UPDATE secret s SET is_disabled = true, current_version =
       (SELECT max(version) FROM secret_version v WHERE v.secret_id = s.id)
     WHERE NOT EXISTS (SELECT FROM secret_version v WHERE v.secret_id = s.id AND v.version = s.current_version)`,
  );
  return { keptDead: Number(dead?.count ?? 0), disabled: disabled.map(({ name }) => name) };
}
