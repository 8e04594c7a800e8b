import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInterface } from 'node:readline/promises';
import { PassphraseFileFault, readPassphraseFile } from '@onecli/shared/passphrase-file';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { runMaintenance } from '../run-maintenance.ts';

export function addBackup(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .description('write the whole configuration into one sealed file, while all goes on')
    .argument('<file>')
    .option('--audit', 'with the audit events')
    .option('--passphrase-file <file>', 'seal it under a passphrase instead of the master key')
    .addHelpText(
      'after',
      `
The file does not open without the master key (or the passphrase, and then the master key of that day all the same: what is in it stays
sealed). Keep it apart from the key.`,
    )
    .action(async (file: string, options: { audit?: true; passphraseFile?: string }) => {
      const passphrase = options.passphraseFile === undefined ? undefined : passphraseOf(options.passphraseFile);
      const body = { audit: options.audit === true, ...(passphrase === undefined ? {} : { passphrase }) };
      const content = await openApi(context).download('/backup', body);
      await writeWhole(file, content);
      context.terminal.notice(`wrote ${file}`);
    });
}

interface RestoreOptions {
  readonly replace?: true;
  readonly confirm?: true;
  readonly acceptRevival?: true;
  readonly destroyed?: string;
  readonly passphraseFile?: string;
}

export function addRestore(program: Command, context: CommandContext): void {
  program
    .command('restore')
    .description('put a backup into an empty instance; without a file: confirm one that was put')
    .argument('[file]')
    .option('--confirm', 'let workers take it, although it goes back in time')
    .option('--replace', 'although there is something: that is lost')
    .option(
      '--destroyed <file>',
      'list of what was destroyed (default: the one of the data folder, or ONECLI_DESTROYED_FILE)',
    )
    .option('--accept-revival', 'although nothing tells what was destroyed since: it comes back')
    .option('--passphrase-file <file>', 'of a backup under a passphrase')
    .addHelpText(
      'after',
      `
With DATABASE_URL it works on that database; else on the data folder, while OneCLI is stopped. The master key is that of the backup's
day. A revoked grant may be in force in the backup: look before you confirm. docs/keys.md tells it step by step.`,
    )
    .action(async (file: string | undefined, options: RestoreOptions) => {
      if (file === undefined) return confirm(context, options);
      const isConfirmed = options.confirm === true || (await isAgreed());
      process.exitCode = await runMaintenance(context, ['restore', file, ...flagsOf({ ...options, isConfirmed })]);
    });
}

async function confirm(context: CommandContext, options: RestoreOptions): Promise<void> {
  if (options.confirm !== true) throw usageError('a backup is needed, or --confirm', 'onecli restore <file>');
  const { revision } = await openApi(context).call(
    'POST',
    '/api/restore/confirm',
    z.looseObject({ revision: z.number() }),
    {},
  );
  context.terminal.notice(`confirmed: workers take revision ${revision} as it is`);
}

function flagsOf(options: RestoreOptions & { readonly isConfirmed: boolean }): string[] {
  return [
    ...(options.isConfirmed ? ['--confirm'] : []),
    ...(options.replace ? ['--replace'] : []),
    ...(options.acceptRevival ? ['--accept-revival'] : []),
    ...(options.destroyed === undefined ? [] : ['--destroyed', options.destroyed]),
    ...(options.passphraseFile === undefined ? [] : ['--passphrase-file', options.passphraseFile]),
  ];
}

/** Asks a person at the terminal; nobody there means no. */
async function isAgreed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      'The configuration goes back in time: what was changed since the backup is undone, revocations too. May workers take it? [y/N] ',
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** The file appears when it is whole. */
async function writeWhole(file: string, content: ReadableStream<Uint8Array>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(
      Readable.fromWeb(content as Parameters<typeof Readable.fromWeb>[0]),
      createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true }),
    );
    renameSync(partial, file);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new CliError(`${file} could not be written whole`, { cause, hint: 'nothing was kept; try again' });
  }
}

function passphraseOf(path: string): string {
  try {
    return readPassphraseFile(path);
  } catch (error) {
    if (error instanceof PassphraseFileFault) throw usageError(error.message);
    throw error;
  }
}
