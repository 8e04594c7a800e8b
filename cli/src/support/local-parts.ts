import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hideCredentials, hideInText } from '@onecli/shared/hide-credentials';
import { showSettings } from '@onecli/shared/shown-settings';
import { productVersion } from '@onecli/shared/version';
import type { Environment } from '../environment.ts';
import { found, missing, type Part } from './part.ts';

const maxReadBytes = 8 * 1024 * 1024;
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'DATABASE_URL'];

/** The data folder of the gateway on this machine, where there is one. */
export function findDataFolder({ dataDir }: Environment): string | undefined {
  const repository = fileURLToPath(new URL('../../../', import.meta.url));
  const folders = dataDir === undefined ? ['data', join(repository, 'data')] : [dataDir];
  return folders.find((folder) => existsSync(join(folder, 'logs')));
}

/** What can be had on this machine without asking any process. */
export function localParts(environment: Environment, dataFolder: string | undefined, logLines: number): Part[] {
  const { inherited } = environment;
  const names = Object.keys(inherited).filter((name) => name.startsWith('ONECLI_') || proxyVariables.includes(name));
  const machine = {
    onecli: productVersion,
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    time: new Date(),
  };
  const parts = [found('this-machine/cli.json', machine)];
  parts.push(found('this-machine/settings.json', showSettings(inherited, names)));
  if (dataFolder === undefined)
    return [...parts, missing('this-machine/logs', 'there is no data folder here (ONECLI_DATA_DIR, ./data)')];
  return [
    ...parts,
    ...attempted('this-machine/data-folder.json', (name) => [found(name, listFolder(dataFolder))]),
    ...attempted('this-machine/logs', () => logParts(join(dataFolder, 'logs'), logLines)),
  ];
}

/** What cannot be read is missing by its name, and the rest of the bundle is there. */
function attempted(name: string, look: (name: string) => Part[]): Part[] {
  try {
    return look(name);
  } catch (error) {
    return [missing(name, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'fault'})`)];
  }
}

/** Names, sizes and modes; no content. What has gone since the folder was read is left out. */
function listFolder(folder: string): object[] {
  return readdirSync(folder).flatMap((name) => {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (stats === undefined) return [];
    const { size, mode, mtime } = stats;
    return [{ name, bytes: size, mode: (mode & 0o777).toString(8), changedAt: mtime }];
  });
}

function logParts(folder: string, lines: number): Part[] {
  const names = readdirSync(folder).filter((name) => /^[\w-]+\.log$/.test(name));
  return names.flatMap((file) =>
    attempted(`this-machine/logs/${file}`, (name) => {
      const text = lastLines(join(folder, file), lines).map(hideInLine).join('\n');
      return [{ kind: 'text', name, text: `${text}\n` }];
    }),
  );
}

/**
 * The last lines of a file, of at most its last 8 MB. A link is not followed: `./data` may be a folder that somebody else made, and
 * would have any file of this user sent along. Nothing else than a file is waited for.
 */
function lastLines(path: string, count: number): string[] {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw Object.assign(new Error('not a file'), { code: 'not a file' });
    const { size } = stats;
    const bytes = Buffer.alloc(Math.min(size, maxReadBytes));
    const read = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString('utf8', 0, read).split('\n');
    // The first may be the rest of a line, whose begin would have said what it is.
    return (bytes.length < size ? lines.slice(1) : lines).filter((line) => line !== '').slice(-count);
  } finally {
    closeSync(descriptor);
  }
}

/** Lines were written without credentials; here they are looked at once more, by the names of their fields and by their shape. */
function hideInLine(line: string): string {
  if (!line.startsWith('{')) return hideInText(line);
  try {
    return hideInText(JSON.stringify(hideCredentials(JSON.parse(line))));
  } catch {
    return hideInText(line);
  }
}
