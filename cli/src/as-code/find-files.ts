import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../cli-error.ts';
import { readBounded } from './read-bounded.ts';

/** Text of one file, or of stdin. */
export interface SourceFile {
  /** As a message names it. */
  readonly path: string;
  readonly text: string;
}

/** Name of stdin in place of a file. */
export const stdinPath = '-';

const maxFiles = 1_000;
const maxTotalBytes = 8 * 1024 * 1024;

/**
 * Reads the files of a configuration: those that are named, all *.yaml and *.yml in folders that are named and below, in the
 * order of their names, and stdin for `-`. Hidden files and folders are passed over. A link that leads
 * nowhere or to a folder is a fault: what it hides would be missing, and `--prune` would delete it.
 * @throws CliError for what cannot be read, a folder with none, more than 1,000 files or 8 MB
 */
export function findFiles(paths: readonly string[]): SourceFile[] {
  const found = paths.flatMap((path) => (path === stdinPath ? [stdinPath] : filesOf(path)));
  const unique = [...new Set(found)];
  if (unique.length > maxFiles) throw new CliError(`these are ${unique.length} files; ${maxFiles} can be read at once`);
  let left = maxTotalBytes;
  return unique.map((path) => {
    const bytes = readAtMost(path, left);
    left -= bytes.length;
    const name = path === stdinPath ? 'stdin' : path;
    return { path: name, text: decodeText(bytes, name) };
  });
}

function filesOf(path: string): string[] {
  const stat = orUnreadable(path, () => statSync(path, { throwIfNoEntry: false }));
  if (stat === undefined) throw new CliError(`there is no ${path}`);
  if (!stat.isDirectory()) return [path];
  const files = yamlBelow(path);
  if (files.length === 0) throw new CliError(`${path} has no *.yaml or *.yml file`);
  return files;
}

function yamlBelow(folder: string): string[] {
  const entries = orUnreadable(folder, () => readdirSync(folder, { withFileTypes: true }))
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return yamlBelow(path);
    const isYaml = /\.ya?ml$/i.test(entry.name);
    if (!isYaml && !entry.isSymbolicLink()) return [];
    const stat = orUnreadable(path, () => statSync(path, { throwIfNoEntry: false }));
    if (stat === undefined) throw new CliError(`${path} is a link that leads nowhere`);
    if (stat.isDirectory())
      throw new CliError(`${path} is a link to a folder, which is not followed`, {
        hint: 'name the folder that it leads to with -f, and take the link away',
      });
    if (isYaml && !stat.isFile()) throw new CliError(`${path} is no file`);
    return isYaml ? [path] : [];
  });
}

function orUnreadable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CliError(`${path} cannot be read`, { cause });
  }
}

function readAtMost(path: string, maxBytes: number): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(path === stdinPath ? 0 : path, maxBytes);
  } catch (cause) {
    throw new CliError(`${path === stdinPath ? 'stdin' : path} cannot be read`, { cause });
  }
  if (bytes === undefined) throw new CliError('the files are larger than 8 MB in all');
  return bytes;
}

/** Bytes as UTF-8 text, without a byte order mark. @throws CliError */
export function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(`${path} is not UTF-8 text`, { cause });
  }
}
