import { dirname, resolve } from 'node:path';
import { CliError } from '../cli-error.ts';
import type { Variables } from '../environment.ts';
import { decodeValue } from '../read-secret-value.ts';
import { printable } from '../terminal.ts';
import type { Configuration, SecretSource } from './configuration.ts';
import { readBounded } from './read-bounded.ts';

/** Where values are looked for. */
export interface ValueSurroundings {
  readonly variables: Variables;
  /** The configuration itself came from there. */
  readonly isStdinTaken: boolean;
}

const maxValueBytes = 64 * 1024;

/**
 * The value of each secret that says where it comes from, by its place in the list. A file is looked for beside the one that
 * names it; one line end after its content is no part of the value. @throws CliError that lists all that is missing, by name
 */
export function resolveValues(
  { sources }: Pick<Configuration, 'sources'>,
  surroundings: ValueSurroundings,
): ReadonlyMap<number, string> {
  const values = new Map<number, string>();
  const faults: string[] = [];
  const [, secondStdin] = sources.filter(({ from }) => 'stdin' in from);
  if (secondStdin) faults.push(`${secondStdin.place}: stdin is one secret's value only`);
  for (const source of sources) {
    if (source === secondStdin) continue;
    try {
      values.set(source.index, valueOf(source, surroundings));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      faults.push(`${source.place}: ${error.message}`);
    }
  }
  if (faults.length === 0) return values;
  throw new CliError(`values are missing:\n${faults.map((one) => `  ${one}`).join('\n')}`, {
    hint: 'to plan without them: --no-values',
  });
}

function valueOf({ from, path }: SecretSource, { variables, isStdinTaken }: ValueSurroundings): string {
  if ('env' in from) {
    const value = variables[from.env];
    if (value === undefined || value === '') throw new CliError(`the environment variable ${from.env} is not set`);
    return value;
  }
  if ('file' in from)
    return readValue(path === 'stdin' ? from.file : resolve(dirname(path), from.file), printable(from.file));
  if (isStdinTaken) throw new CliError('stdin has the configuration already');
  return readValue(0, 'stdin');
}

function readValue(path: string | number, named: string): string {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(path, maxValueBytes);
  } catch (cause) {
    throw new CliError(`${named} cannot be read`, { cause });
  }
  if (bytes === undefined) throw new CliError(`${named} is larger than 64 KB`);
  const value = decodeValue(bytes);
  if (value === '') throw new CliError(`${named} is empty`);
  return value;
}
