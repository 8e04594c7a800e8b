import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { parseSince } from '../parse-since.ts';

interface ExportOptions {
  readonly format: string;
  readonly from?: string;
  readonly to?: string;
  readonly agent?: string;
  readonly host?: string;
  readonly decision?: string;
  readonly output?: string;
}

export function addAuditExport(audit: Command, context: CommandContext): void {
  audit
    .command('export')
    .description('write the trail to a file or the standard output')
    .addOption(new Option('--format <format>').choices(['jsonl', 'csv', 'ocsf']).default('jsonl'))
    .option('--from <when>', 'an age (30m, 1h, 2d) or an ISO 8601 time')
    .option('--to <when>', 'until then, excluded')
    .option('--agent <name>')
    .option('--host <host>')
    .addOption(new Option('--decision <decision>').choices(['allow', 'deny']))
    .option('-o, --output <file>', 'appears when it is whole')
    .addHelpText(
      'after',
      `
jsonl of everything, or of a time, has the proof: \`onecli audit verify FILE\`, or infra/audit/verify_audit.py, verifies it. With
--agent, --host or --decision it is the events alone. ocsf: HTTP Activity, a JSON object a line. csv: safe to open in a spreadsheet.`,
    )
    .action(async ({ format, from, to, agent, host, decision, output }: ExportOptions) => {
      const now = Date.now();
      const since = from === undefined ? undefined : parseSince(from, now);
      const until = to === undefined ? undefined : parseSince(to, now);
      const query = { format, since, until, agent, host, decision };
      const content = await openApi(context).read('/api/audit/export', query);
      if (output === undefined) await pipeline(Readable.fromWeb(content as NodeStream), process.stdout, { end: false });
      else await writeWhole(output, content);
    });
}

export function addAuditCheckpoint(audit: Command, context: CommandContext): void {
  audit
    .command('checkpoint')
    .description('print the last signed checkpoint: keep it where nobody who can write to the database can')
    .action(async () => {
      const schema = z.looseObject({ checkpoint: z.string().nullable() });
      const { checkpoint } = await openApi(context).call('GET', '/api/audit/trail', schema);
      if (checkpoint === null) throw new CliError('nothing is signed yet');
      process.stdout.write(checkpoint);
    });
}

type NodeStream = Parameters<typeof Readable.fromWeb>[0];

async function writeWhole(file: string, content: ReadableStream<Uint8Array>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.fromWeb(content as NodeStream), createWriteStream(partial, { mode: 0o600, flush: true }));
    renameSync(partial, file);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new CliError(`${file} could not be written whole`, { cause, hint: 'nothing was kept; try again' });
  }
}
