/** Settings that hold a credential may stand in a file, as container platforms hand secrets over: `DATABASE_URL_FILE` in place of `DATABASE_URL`. */
import { readFileSync } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that may. Those that always could (the master key, the admin's password) are read where they are needed. */
export const settingsInFiles = ['DATABASE_URL', 'REDIS_URL', 'REDIS_SENTINEL_PASSWORD'] as const;

/**
 * @param faults is told, by variable and never with a value, of a file that cannot be read, and of a setting that is given twice
 * @returns the environment with the content of those files, without the line's end, in place of their names
 */
export function settingsFromFiles(environment: Environment, faults: string[]): Record<string, string | undefined> {
  const found = { ...environment };
  for (const name of settingsInFiles) {
    const path = environment[`${name}_FILE`];
    if (path === undefined || path === '') continue;
    if (environment[name] !== undefined && environment[name] !== '') {
      faults.push(`${name}_FILE: is set together with ${name}: expected one of the two`);
      continue;
    }
    try {
      found[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      faults.push(`${name}_FILE: cannot be read (${code}): expected a readable file`);
    }
  }
  return found;
}
