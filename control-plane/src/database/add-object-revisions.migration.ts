import type { QueryRunner } from 'typeorm';
import { changeLock } from '../configuration/lock-for-change.ts';
import { ResumableMigration } from './forward-migration.ts';

const tables = ['secret', 'agent', 'policy', 'route'] as const;
/** Changes whose objects are written in one transaction: whoever changes the configuration waits for one of them at most. */
const batch = 1_000;

/** The revision that last wrote an object, for conditional writes. */
export class AddObjectRevisions extends ResumableMigration {
  readonly name = 'AddObjectRevisions1790001100001';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tables)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS revision bigint NOT NULL DEFAULT 1`);
    // What changes from here on is as what changes after this step: its writers know of no revision of an object.
    const last = await revisionAt(runner, 'SELECT max(revision) AS revision FROM config_change');
    for (let from = -1; from < last; ) {
      const to = await revisionAt(runner, endOfBatch, [from]);
      // Several statements in one text are one transaction; under the lock nobody else holds rows that it wants.
      const updates = tables.map((table) => updateOf(table, from, to));
      await runner.query(`SELECT pg_advisory_xact_lock(${changeLock}); ${updates.join('; ')}`);
      from = to;
    }
  }
}

const endOfBatch = `SELECT max(revision) AS revision
  FROM (SELECT revision FROM config_change WHERE revision > $1 ORDER BY revision LIMIT ${batch}) changes`;

/** What a statement gives as `revision`; -1 where there is none. */
async function revisionAt(runner: QueryRunner, statement: string, values: readonly number[] = []): Promise<number> {
  const rows = (await runner.query(statement, [...values])) as { revision: string | null }[];
  return Number(rows[0]?.revision ?? -1);
}

function updateOf(table: string, from: number, to: number): string {
  return `UPDATE ${table} SET revision = latest.revision
    FROM (SELECT object_id, max(revision) AS revision FROM config_change
      WHERE kind = '${table}' AND revision > ${from} AND revision <= ${to} GROUP BY object_id) latest
    WHERE latest.object_id = ${table}.id AND ${table}.revision < latest.revision`;
}
