import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { parseOverlap, showAuthorities, writtenAuthoritiesSchema } from './ca-rotation.ts';

const maxFileBytes = 1_000_000;

/** `onecli ca import`: an authority of your own becomes the next one. */
export function addImport(ca: Command, context: CommandContext): void {
  ca.command('import')
    .description('make an authority of your own the next one: an intermediate, or a root')
    .requiredOption('--certificate <file>', 'PEM: its certificate, then each that issued the one before; the root last')
    .requiredOption('--key <file>', 'its private key, PEM; - for stdin')
    .option('--overlap <time>', 'how long until it signs by itself: 0h, 12h, 7d', parseOverlap, 168)
    .addHelpText(
      'after',
      `
Clients are given the root to trust (without one in the file: the last certificate), and each certificate between is sent to them.
Where they trust that root already, no overlap is needed. It may have name constraints: a host outside of them is refused.

Examples:
  onecli ca import --certificate chain.pem --key key.pem
  openssl pkey -in encrypted.pem | onecli ca import --certificate chain.pem --key - --overlap 0h`,
    )
    .action(async (options: { certificate: string; key: string; overlap: number }) => {
      const body = {
        certificate: read(options.certificate, '--certificate'),
        privateKey: read(options.key === '-' ? 0 : options.key, '--key'),
        overlapHours: options.overlap,
      };
      const api = openApi(context);
      const { change, ...found } = await api.call('POST', '/api/authorities/import', writtenAuthoritiesSchema, body);
      if (change === 'UNCHANGED') context.terminal.notice('it is the next authority already: nothing was changed');
      showAuthorities(context.terminal, found);
    });
}

/** @param file a path, or 0 for stdin */
function read(file: string | 0, option: string): string {
  try {
    if (file !== 0 && statSync(file).size > maxFileBytes) throw usageError(`${option}: the file is larger than 1 MB`);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(`${option}: the file cannot be read`, { cause, exitCode: 2 });
  }
}
