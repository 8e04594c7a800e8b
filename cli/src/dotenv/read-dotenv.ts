import { decodeText } from '../as-code/find-files.ts';
import { readBounded } from '../as-code/read-bounded.ts';
import { CliError, usageError } from '../cli-error.ts';

const maxBytes = 1024 * 1024;

/** The text of a .env file. @throws CliError when it cannot be read, is no text or over 1 MB */
export function readDotenv(path: string): string {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(path, maxBytes);
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CliError(isAbsent ? `there is no ${path}` : `${path} cannot be read`, { cause });
  }
  if (bytes === undefined) throw new CliError(`${path} is larger than 1 MB`);
  const mark = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? '\uFEFF' : '';
  return mark + decodeText(bytes, path);
}

/** Reads `--host VARIABLE=host,host` options. @throws CliError, which repeats nothing after the = */
export function parseHosts(options: readonly string[]): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const option of options) {
    const [, variable, list] = /^([A-Za-z_][A-Za-z0-9_.-]*)=(.+)$/.exec(option) ?? [];
    if (variable === undefined || list === undefined)
      throw usageError('--host has the form VARIABLE=host', 'for example --host ACME_KEY=api.acme.example');
    const named = list
      .split(',')
      .map((host) => host.trim())
      .filter((host) => host !== '');
    hosts.set(variable, [...(hosts.get(variable) ?? []), ...named]);
  }
  return hosts;
}
