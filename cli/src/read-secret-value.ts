import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CliError, usageError } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

const maxValueBytes = 1_000_000;

/**
 * Reads a secret's value from stdin, or with a prompt that echoes nothing when stdin is a terminal. Exactly one newline at the
 * end of piped input is taken off. Throws for an empty value, one that is not UTF-8, or one over 1 MB.
 */
export async function readSecretValue(name: string, terminal: Terminal): Promise<string> {
  const value = process.stdin.isTTY
    ? await promptHidden(`Value of ${name} (not shown): `)
    : decodeValue(await readAll());
  if (value === '') throw usageError('the value is empty', `pipe it in: printf %s "$KEY" | onecli secret put ${name}`);
  if (hasStrayWhiteSpace(value))
    terminal.notice('warning: the value begins or ends with white space; it is stored as it is');
  return value;
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

/** Whether a value begins or ends with white space, which is rarely meant. */
export function hasStrayWhiteSpace(value: string): boolean {
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
