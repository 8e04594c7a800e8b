import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPostgresPackage, placePostgresBinaries } from './postgres-binaries.ts';
import type { PostgresAccount } from './postgres-account.ts';

const isRoot = process.getuid?.() === 0;
const self: PostgresAccount = { userName: 'self' };
const nobody: PostgresAccount = { userName: 'nobody', ids: { uid: 65_534, gid: 65_534 } };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-binaries-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the package as npm leaves it when it skips install scripts: without the libraries' links. */
function packageWithoutLinks() {
  const source = findPostgresPackage();
  const copy = join(folder, 'package');
  cpSync(source.folder, copy, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(readFileSync(join(copy, 'native/pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) rmSync(join(copy, target), { force: true });
  return { folder: copy, version: source.version };
}

describe('placePostgresBinaries', () => {
  it('makes the library links that npm left out', () => {
    const copy = packageWithoutLinks();
    const { postgres } = placePostgresBinaries(copy, self, join(folder, 'private'));
    expect(postgres).toBe(join(copy.folder, 'native/bin/postgres'));
    expect(execFileSync(postgres, ['--version'], { encoding: 'utf8' })).toContain('PostgreSQL');
  });

  it.runIf(isRoot)(
    "copies the programs to where root's stand-in reaches them when the package's folder is closed to it",
    () => {
      const closed = packageWithoutLinks();
      chmodSync(closed.folder, 0o700);
      chmodSync(folder, 0o755);
      const base = join(folder, 'base');
      const { postgres } = placePostgresBinaries(closed, nobody, join(folder, 'private'), [base]);
      expect(postgres.startsWith(base)).toBe(true);
      expect(existsSync(postgres)).toBe(true);
      const output = execFileSync(postgres, ['--version'], { ...nobody.ids, cwd: '/', encoding: 'utf8' });
      expect(output).toContain('PostgreSQL');
    },
  );
});
