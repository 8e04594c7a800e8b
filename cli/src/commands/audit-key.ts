import { rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { ApiError } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { readHidden } from '../read-secret-value.ts';

const keySchema = z.looseObject({ key: z.string().regex(/^[0-9a-f]{64}$/) });

export function addAuditKey(audit: Command, context: CommandContext): void {
  audit
    .command('key')
    .description('the key of the trail’s chains')
    .command('export')
    .description('write it to a file, for --mac-key-file: for owners who signed in, with their password once more')
    .requiredOption('-o, --output <file>', 'readable for its owner alone; must not be there yet')
    .addHelpText(
      'after',
      `
Who has the key can make entries that fit, before they are signed. Give it to nobody whom the checkpoints are to convince, and
remove the file afterwards. The password is asked for, or piped in; an API key does not do: \`onecli login\`. That it was exported
is an admin event (audit:export-key).`,
    )
    .action(async ({ output }: { output: string }) => {
      const api = openApi(context);
      // Before anything is asked for: what cannot be written is not exported.
      create(output);
      try {
        const [password] = await readHidden(['Your password']);
        const { key } = await api.call('POST', '/api/audit/mac-key', keySchema, { password });
        writeFileSync(output, `${key}\n`, { flush: true });
      } catch (error) {
        rmSync(output, { force: true });
        if (error instanceof ApiError && error.status === 401) throw new CliError('the password is not right');
        throw error;
      }
      context.terminal.notice(`wrote ${output}: onecli audit verify FILE --mac-key-file ${output}`);
    });
}

function create(file: string): void {
  try {
    writeFileSync(file, '', { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new CliError(`${file} cannot be made`, { cause, hint: 'it must not be there yet' });
  }
}
