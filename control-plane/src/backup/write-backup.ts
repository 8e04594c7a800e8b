import { type BackupKey, BackupSealer, backupSalt } from '@onecli/shared/vault/backup-file';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { appliedMigrations, backupTables, quoted } from './backup-tables.ts';

/** What the server hands over at once is held: few rows of the tables that have great ones, of up to a megabyte. */
const rowsAtOnce = 100;
const greatRowsAtOnce = 4;
const tablesOfGreatRows: ReadonlySet<string> = new Set(['audit_block', 'policy', 'route', 'rotation']);
/** What is sealed in one go. */
const pieceLength = 65_536;

export interface BackupOptions {
  readonly instanceId: string;
  readonly key: BackupKey;
  readonly hasAudit: boolean;
}

/**
 * The whole database as a sealed file, piece by piece: lines of JSON, `["table"]` and then its rows. All of it is as of one moment,
 * and nobody waits for it. Ending the iteration early ends the transaction.
 */
export async function* writeBackup(database: DataSource, options: BackupOptions): AsyncGenerator<Buffer> {
  const runner = database.createQueryRunner();
  try {
    await runner.connect();
    await runner.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      yield* sealedContent(runner, options);
    } finally {
      await runner.query('ROLLBACK');
    }
  } finally {
    await runner.release();
  }
}

async function* sealedContent(
  runner: QueryRunner,
  { instanceId, key, hasAudit }: BackupOptions,
): AsyncGenerator<Buffer> {
  const { manager } = runner;
  const keyFrom = 'master' in key ? 'master-key' : 'passphrase';
  const migrations = await appliedMigrations(manager);
  const [state] = await manager.query<{ revision: string; now: Date }[]>(
    'SELECT revision, now() AS now FROM config_state',
  );
  const revision = Number(state?.revision ?? 0);
  const createdAt = (state?.now ?? new Date()).toISOString();
  const header = {
    format: 1,
    instanceId,
    createdAt,
    revision,
    keyFrom,
    salt: backupSalt(),
    migrations,
    hasAudit,
  } as const;
  const sealer = await BackupSealer.create(header, key);
  yield sealer.head;
  for (const table of await backupTables(manager, { hasAudit })) {
    for await (const lines of tableLines(manager, table)) {
      const chunks = sealer.push(Buffer.from(lines, 'utf8'));
      if (chunks.length > 0) yield chunks;
    }
  }
  yield sealer.end();
}

/** The lines of a table, as many together as make a piece; a long one ends its piece. */
async function* tableLines(manager: EntityManager, table: string): AsyncGenerator<string> {
  yield `${JSON.stringify([table])}\n`;
  const count = tablesOfGreatRows.has(table) ? greatRowsAtOnce : rowsAtOnce;
  await manager.query(
    `DECLARE backup_rows NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS line FROM ${quoted(table)} t`,
  );
  for (;;) {
    const rows = await manager.query<{ line: string }[]>(`FETCH ${count} FROM backup_rows`);
    if (rows.length === 0) break;
    let piece = '';
    for (const { line } of rows) {
      piece += `${line}\n`;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = '';
    }
    if (piece !== '') yield piece;
  }
  await manager.query('CLOSE backup_rows');
}
