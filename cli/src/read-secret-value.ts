import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { findPlaceholders } from '@onecli/shared/domain/placeholder';
import { CliError, usageError } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

const maxValueBytes = 1_000_000;

/**
 * Reads a secret's value from stdin, or with a prompt that echoes nothing when stdin is a terminal. Exactly one newline at the
 * end of piped input is taken off. Throws for an empty value, one that is not UTF-8, one over 1 MB, and what cannot be a key.
 */
export async function readSecretValue(name: string, terminal: Terminal, command = 'put'): Promise<string> {
  const value = process.stdin.isTTY
    ? await promptHidden(`Value of ${name} (not shown): `)
    : decodeValue(await readAll());
  if (value === '')
    throw usageError('the value is empty', `pipe it in: printf %s "$KEY" | onecli secret ${command} ${name}`);
  requireKey(value);
  for (const doubt of doubtsAbout(value)) terminal.notice(`warning: the value ${doubt}; it is stored as it is`);
  return value;
}

/** @throws CliError for what no header can have, and for what an agent holds in place of a key */
export function requireKey(value: string): void {
  if (/[\r\n]/.test(value))
    throw usageError('the value has several lines, and a key has one', 'only one line end after it is taken off');
  if (findPlaceholders(value).length > 0)
    throw usageError('the value is a placeholder, which agents hold; what is stored is the real key');
}

/** What is rarely meant: white space around a value, quotes, a whole line of a .env file. */
export function doubtsAbout(value: string): string[] {
  return [
    ...(hasStrayWhiteSpace(value) ? ['begins or ends with white space'] : []),
    ...(/^(["']).*\1$/.test(value) ? ['stands in quotes'] : []),
    ...(/^[A-Z][A-Z0-9]*_[A-Z0-9_]*=[^=]/.test(value) ? ['looks like VARIABLE=value'] : []),
  ];
}

/**
 * Reads passwords and tokens: one after the other with prompts that echo nothing, or a line each from stdin. Throws when there are
 * too few.
 */
export async function readHidden(names: readonly string[]): Promise<string[]> {
  const given: string[] = [];
  if (process.stdin.isTTY) {
    for (const name of names) given.push(await promptHidden(`${name} (not shown): `));
  } else given.push(...decodeValue(await readAll()).split(/\r?\n/));
  const missing = names.find((_, index) => (given[index] ?? '') === '');
  if (missing !== undefined)
    throw usageError(`there is no ${missing.toLowerCase()}`, 'type it when asked, or pipe in one a line');
  return given.slice(0, names.length);
}

/** Piped bytes as a value: UTF-8, without one newline at the end (`\n` or `\r\n`). */
export function decodeValue(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new CliError('the value is not UTF-8 text', { exitCode: 2, cause });
  }
}

function hasStrayWhiteSpace(value: string): boolean {
  return value.trim() !== value;
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxValueBytes) throw usageError('the value is larger than 1 MB');
  }
  return Buffer.concat(chunks);
}

async function promptHidden(prompt: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  process.stderr.write(prompt);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => reject(new CliError('cancelled', { exitCode: 130 })));
      lines.once('close', () => reject(usageError('no value was given')));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
