import { randomBytes } from 'node:crypto';
import { MasterKey } from '@onecli/shared/vault/master-key';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices } from '../database/testing/open-services.ts';
import { writeBackup } from './write-backup.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const blockBytes = 470_000;
const blocks = 40;

/** Blocks of the audit trail as great as they get. */
async function fillWithBlocks(database: DataSource): Promise<void> {
  const columns = await database.query<{ name: string; type: string }[]>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_name = 'audit_block' AND is_nullable = 'NO' AND column_default IS NULL`,
  );
  const valueOf = ({ name, type }: { name: string; type: string }): string => {
    if (name === 'sealed_lines') return '$1';
    const values: Record<string, string> = {
      bytea: `'\\x00'::bytea`,
      'timestamp with time zone': 'now()',
      uuid: 'gen_random_uuid()',
      text: `'x' || n`,
      boolean: 'false',
    };
    return values[type] ?? 'n';
  };
  const names = columns.map(({ name }) => name).join(', ');
  await database.query(
    `INSERT INTO audit_block (${names}) SELECT ${columns.map(valueOf).join(', ')} FROM generate_series(1, ${blocks}) n`,
    [randomBytes(blockBytes)],
  );
}

/** Counts the bytes that each answer of the database holds. */
function countingAnswers(database: DataSource): { most: number } {
  const count = { most: 0 };
  const create = database.createQueryRunner.bind(database);
  database.createQueryRunner = (...args): QueryRunner => {
    const runner = create(...args);
    const query = runner.query.bind(runner) as (...all: unknown[]) => Promise<unknown>;
    const counted = async (...all: unknown[]): Promise<unknown> => {
      const answer = await query(...all);
      const lines = Array.isArray(answer) ? (answer as { line?: string }[]).map(({ line }) => line?.length ?? 0) : [];
      count.most = Math.max(
        count.most,
        lines.reduce((sum, length) => sum + length, 0),
      );
      return answer;
    };
    runner.query = counted as QueryRunner['query'];
    return runner;
  };
  return count;
}

describe('writeBackup', () => {
  it('holds a few megabytes at once, however many great blocks of audit events there are', async () => {
    const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
    const { dataSource, keys, close } = await openServices(await freshDatabase(), { master });
    ends.push(close);
    await fillWithBlocks(dataSource);
    const held = countingAnswers(dataSource);
    let [bytes, greatest] = [0, 0];
    for await (const piece of writeBackup(dataSource, {
      instanceId: keys.instanceId,
      key: { master },
      hasAudit: true,
    })) {
      bytes += piece.length;
      greatest = Math.max(greatest, piece.length);
    }
    // A byte is two digits in a line.
    expect(bytes).toBeGreaterThan(blocks * blockBytes * 2);
    expect(held.most).toBeGreaterThan(blockBytes);
    expect(held.most).toBeLessThan(5 * blockBytes * 2);
    expect(greatest).toBeLessThan(2 * blockBytes * 2);
  });
});
