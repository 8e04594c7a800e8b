import type { QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { migrations } from './data-source.ts';
import { ForwardMigration, ResumableMigration } from './forward-migration.ts';

/** What workers or a control plane of the release before would stumble over. */
const unsafe: readonly [RegExp, string][] = [
  [/\bRENAME\b/i, 'renames something'],
  [/\bDROP (?:TABLE|COLUMN)\b/i, 'drops what others still read'],
  [/\bALTER COLUMN \S+ (?:SET DATA )?TYPE\b/i, 'rewrites a column'],
  [/\bSET NOT NULL\b/i, 'refuses rows that others still write'],
  [/\bADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b/i, 'refuses rows that others still write'],
  [/\bTRUNCATE\b/i, 'empties a table'],
];

async function statementsOf(migration: ForwardMigration): Promise<string[]> {
  const statements: string[] = [];
  const runner = {
    query: (text: string) => {
      statements.push(text);
      return Promise.resolve([]);
    },
    connect: () => Promise.resolve(),
  };
  await migration.up(runner as unknown as QueryRunner);
  return statements;
}

describe.each(migrations.map((Migration) => [new Migration()] as const))('$name', (migration) => {
  it('goes forward only (extends ForwardMigration), and its name ends in its number', async () => {
    expect(migration).toBeInstanceOf(ForwardMigration);
    expect(migration.name).toMatch(/[a-z]17900\d{8}$/i);
    await expect(migration.down()).rejects.toThrow('forward');
  });

  it('is safe while others of the release before run: it adds, and neither renames, rewrites nor drops', async () => {
    const statements = await statementsOf(migration);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements)
      for (const [pattern, problem] of unsafe) expect(pattern.test(statement), `${problem}: ${statement}`).toBe(false);
  });
});

describe('the migrations', () => {
  it('build no index of the trail, and change no rows of many, in one transaction with what locks the table', async () => {
    const made = ['CreateConfiguration1790000000000', 'AddAuditTree1790003100000'];
    const long =
      /\bCREATE INDEX (?!CONCURRENTLY)[^;]*\bON (?:audit_event|audit_block)\b|\bUPDATE (?:secret|agent|policy|route|audit_event)\b/;
    for (const migration of migrations.map((Migration) => new Migration())) {
      const statements = await statementsOf(migration);
      if (!(migration instanceof ResumableMigration) && !made.includes(migration.name))
        expect(statements.filter((statement) => long.test(statement))).toEqual([]);
    }
  });

  it('have each a number of its own', () => {
    const numbers = migrations.map((Migration) => /\d+$/.exec(new Migration().name)?.[0]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});
