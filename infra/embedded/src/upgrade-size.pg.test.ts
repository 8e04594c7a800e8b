import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataSource, migrations } from '../../../control-plane/src/database/data-source.ts';
import { migrate } from '../../../control-plane/src/database/migrate.ts';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { grow } from './testing/first-release/grow.ts';
import { OldRelease } from './testing/first-release/old-worker.ts';

const dump = readFileSync(new URL('testing/first-release/database.sql', import.meta.url), 'utf8');
const patiently = { timeout: 40_000 };
const amounts = { secrets: 2_000, events: 20_000 };

/** Notes each index of the trail that is built, and each change of many rows, by who keeps writers out meanwhile. */
const watching = `
  CREATE TABLE kept_out (by text);
  CREATE FUNCTION watch_builds() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO kept_out SELECT format('%s: %s built under %s', tg_tag, i.indexrelid::regclass, l.mode)
      FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indrelid AND h.inhparent = 'audit_event'::regclass
        JOIN pg_locks l ON l.relation = i.indrelid AND l.pid = pg_backend_pid() AND l.mode IN ('ShareLock', 'AccessExclusiveLock')
      WHERE i.xmin = pg_current_xact_id()::xid AND pg_relation_size(i.indrelid) > 0;
  END $$;
  CREATE EVENT TRIGGER builds_watched ON ddl_command_end EXECUTE FUNCTION watch_builds();
  CREATE FUNCTION watch_changes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO kept_out SELECT format('%s changed under %s', tg_relid::regclass, mode)
      FROM pg_locks WHERE relation = tg_relid AND pid = pg_backend_pid() AND mode = 'AccessExclusiveLock';
    RETURN NULL;
  END $$;
  CREATE TRIGGER changes_watched BEFORE UPDATE ON secret FOR EACH STATEMENT EXECUTE FUNCTION watch_changes()`;

let databaseUrl: string;
let client: pg.Client;
let old: OldRelease;

beforeEach(async () => {
  databaseUrl = await freshDatabase();
  client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(dump);
  await grow(client, amounts);
  old = new OldRelease(databaseUrl);
});
afterEach(async () => {
  await old.stop();
  await client.end();
});

async function upgrade(): Promise<void> {
  const database = createDataSource({ connectionString: databaseUrl, connectionLost: () => undefined });
  await database.initialize();
  try {
    await migrate(database);
  } finally {
    await database.destroy();
  }
}

async function getOn(): Promise<void> {
  await expect.poll(old.getsOn(3), patiently).toBe(true);
  expect(old.errors).toEqual([]);
}

async function rowsOf<T extends object>(text: string): Promise<T[]> {
  return (await client.query<T>(text)).rows;
}

/** Indexes of the trail that are not valid, or of a partition and not of the whole. */
const strayIndexes = () =>
  rowsOf(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE i.indrelid IN (SELECT relid FROM pg_partition_tree('audit_event'))
       AND (NOT i.indisvalid OR NOT (x.relispartition OR x.relkind = 'I'))`,
  );

/** Secrets of before whose revision is not that of their last change, but for the one that is changed all the time. */
const wrongRevisions = () =>
  rowsOf(
    `SELECT name FROM secret JOIN (SELECT object_id, max(revision) AS last FROM config_change GROUP BY 1) c ON c.object_id = id
     WHERE revision <> last AND name <> 'staging/idle'`,
  );

describe('a large database of the first release', { timeout: 120_000 }, () => {
  it('is upgraded while that release writes to it: no writer is kept out while indexes are built or many rows changed', async () => {
    await client.query(watching);
    await getOn();
    await upgrade();
    await getOn();
    expect(await rowsOf('SELECT DISTINCT by FROM kept_out')).toEqual([]);
    expect(await rowsOf('SELECT FROM schema_migration')).toHaveLength(migrations.length);
    expect([await strayIndexes(), await wrongRevisions()]).toEqual([[], []]);
    expect(await rowsOf(`SELECT FROM secret WHERE revision > 10`)).not.toHaveLength(0);
  });

  it('is upgraded by the next try when one was ended in the middle of a build', async () => {
    const holder = new pg.Client({ connectionString: databaseUrl });
    await holder.connect();
    try {
      // A build waits for whoever sees rows of before.
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM key_term');
      const ended = expect(upgrade()).rejects.toThrow();
      const builds = () =>
        rowsOf<{ pid: number }>(
          `SELECT p.pid FROM pg_stat_progress_create_index p WHERE p.datname = current_database() AND p.command = 'CREATE INDEX CONCURRENTLY'
             AND p.phase = 'waiting for old snapshots'`,
        );
      await expect.poll(async () => (await builds()).length, patiently).toBe(1);
      await client.query('SELECT pg_terminate_backend($1)', [(await builds())[0]?.pid]);
      await ended;
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    expect(await strayIndexes()).not.toEqual([]);
    await upgrade();
    await getOn();
    expect([await strayIndexes(), await wrongRevisions()]).toEqual([[], []]);
    expect(await rowsOf('SELECT FROM schema_migration')).toHaveLength(migrations.length);
  });
});
