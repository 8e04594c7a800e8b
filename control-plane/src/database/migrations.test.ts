import type { QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { migrations } from './data-source.ts';
import { ForwardMigration } from './forward-migration.ts';

/** What workers or a control plane of the release before would stumble over. */
const unsafe: readonly [RegExp, string][] = [
  [/\bRENAME\b/i, 'renames something'],
  [/\bDROP (?:TABLE|COLUMN)\b/i, 'drops what others still read'],
  [/\bALTER COLUMN \S+ (?:SET DATA )?TYPE\b/i, 'rewrites a column'],
  [/\bSET NOT NULL\b/i, 'refuses rows that others still write'],
  [/\bADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b/i, 'refuses rows that others still write'],
  [/\bTRUNCATE\b/i, 'empties a table'],
];

describe.each(migrations.map((Migration) => [new Migration()] as const))('$name', (migration) => {
  it('goes forward only (extends ForwardMigration), and its name ends in its number', async () => {
    expect(migration).toBeInstanceOf(ForwardMigration);
    expect(migration.name).toMatch(/[a-z]17900\d{8}$/i);
    await expect(migration.down()).rejects.toThrow('forward');
  });

  it('is safe while others of the release before run: it adds, and neither renames, rewrites nor drops', async () => {
    const statements: string[] = [];
    await migration.up({
      query: (text: string) => {
        statements.push(text);
        return Promise.resolve([]);
      },
    } as unknown as QueryRunner);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements)
      for (const [pattern, problem] of unsafe) expect(pattern.test(statement), `${problem}: ${statement}`).toBe(false);
  });
});

describe('the migrations', () => {
  it('have each a number of its own', () => {
    const numbers = migrations.map((Migration) => /\d+$/.exec(new Migration().name)?.[0]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});
