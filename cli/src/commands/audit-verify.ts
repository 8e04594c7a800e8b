import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { TrailLine, TrailReport } from '@onecli/shared/domain/audit-trail/trail-lines';
import { TrailVerifier, type TrailVerifierOptions } from '@onecli/shared/domain/audit-trail/verify-trail';
import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../api/api-client.ts';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { printable, type Terminal } from '../terminal.ts';
import { hmacSha256, sha256, verifyEd25519 } from '../trail-hashes.ts';

interface VerifyOptions {
  readonly checkpoint: readonly string[];
  readonly key?: string;
  readonly macKeyFile?: string;
  readonly json?: true;
  readonly progress?: true;
}

const faultSchema = z.looseObject({ index: z.number(), id: z.string().nullable(), message: z.string() });
const reportSchema = z.looseObject({
  isSound: z.boolean(),
  faults: z.array(faultSchema),
  faultCount: z.number(),
  entries: z.number(),
  checkpoints: z.number(),
  areMacsChecked: z.boolean(),
  key: z.string().nullable(),
});
type Report = z.infer<typeof reportSchema>;
const toldSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('progress'), entries: z.number(), of: z.number() }),
  reportSchema.extend({ type: z.literal('report') }),
]);

export function addAuditVerify(audit: Command, context: CommandContext): void {
  audit
    .command('verify')
    .description('verify the whole trail, in the control plane, or an exported one here; name the first bad event')
    .argument('[file]', 'what `onecli audit export --format jsonl` wrote')
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere; may be given again', collect, [])
    .option('--key <key>', 'with a file: the public key as it is known from elsewhere')
    .option('--mac-key-file <file>', 'with a file: the key of the chains, 64 hexadecimal digits')
    .option('--json', 'the whole report as JSON')
    .option('--progress', 'tell each second how far it is, also where no terminal is')
    .addHelpText(
      'after',
      `
Keep a checkpoint elsewhere (\`onecli audit checkpoint\`): only that shows that the end was cut off, or all of it written anew.
Exit codes: 0 sound, 1 not, or a fault. docs/audit.md tells what is checked, and how to do it without OneCLI.`,
    )
    .action(async (file: string | undefined, options: VerifyOptions) => {
      const kept = options.checkpoint.map((path) => readText(path));
      if (file === undefined && (options.key ?? options.macKeyFile) !== undefined)
        throw usageError('--key and --mac-key-file go with a file: the control plane has its own');
      const { told, end } = openProgress(options.progress === true);
      const report = await (file === undefined
        ? askGateway(openApi(context), kept, told)
        : verifyFile(file, options, kept, told)
      ).finally(end);
      show(context.terminal, report, options.json === true);
      if (!report.isSound) process.exitCode = 1;
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The control plane tells each second how far it is: a balancer cuts no answer that is not silent. */
async function askGateway(api: ApiClient, checkpoints: readonly string[], told: Told): Promise<Report> {
  const answer = await api.download('/api/audit/trail/verification', { checkpoints });
  const lines = createInterface({ input: Readable.fromWeb(answer as NodeStream), crlfDelay: Infinity });
  let last: z.infer<typeof toldSchema> | undefined;
  try {
    for await (const line of lines) {
      last = toldSchema.parse(JSON.parse(line));
      if (last.type === 'progress') told(last.entries, last.of);
    }
  } catch (cause) {
    throw new CliError('the verification broke off', { cause, hint: 'try again; the control plane’s log says more' });
  }
  if (last?.type !== 'report') throw new CliError('the verification ended without a report');
  return last;
}

async function verifyFile(
  file: string,
  { key, macKeyFile }: VerifyOptions,
  kept: readonly string[],
  told: Told,
): Promise<TrailReport> {
  const options: TrailVerifierOptions = { sha256, verifyEd25519, key, kept, mac: macOf(macKeyFile) };
  const verifier = new TrailVerifier(options);
  try {
    const input = createReadStream(file, 'utf8');
    const { size } = statSync(file);
    let lines = 0;
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      verifier.take(parsed(line));
      lines += 1;
      if (lines % 1_000 === 0) told(lines, Math.round((lines * size) / Math.max(1, input.bytesRead)));
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(`${file} cannot be read`, { cause });
  }
  return verifier.finish();
}

/** Says how far it is: so many of about so many. */
type Told = (done: number, of: number) => void;
type NodeStream = Parameters<typeof Readable.fromWeb>[0];

/** A line on stderr that is written over, where a person reads it; or, when asked for, a line each second. */
function openProgress(isAsked: boolean): { readonly told: Told; end(): void } {
  const { isTTY } = process.stderr;
  let last = 0;
  return {
    told: (done, of) => {
      if ((!isTTY && !isAsked) || performance.now() - last < 900) return;
      last = performance.now();
      const text = `verifying: ${done} of ${of} (${Math.floor((100 * done) / Math.max(1, of))} %)`;
      process.stderr.write(isTTY ? `\r\x1b[K${text}` : `${text}\n`);
    },
    end: () => void (isTTY && last > 0 && process.stderr.write('\r\x1b[K')),
  };
}

/** What is no JSON is a line of no kind that is known: the verifier says where. */
function parsed(line: string): TrailLine {
  try {
    const found: unknown = JSON.parse(line);
    if (typeof found === 'object' && found !== null) return found as TrailLine;
  } catch {
    // Told below.
  }
  return { type: 'nothing' } as unknown as TrailLine;
}

function macOf(file: string | undefined): TrailVerifierOptions['mac'] {
  if (file === undefined) return undefined;
  const text = readText(file).trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new CliError(`${file} does not hold 64 hexadecimal digits`);
  const key = Buffer.from(text, 'hex');
  return (data) => hmacSha256(key, data);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CliError(`${path} cannot be read`, { cause });
  }
}

function show(terminal: Terminal, report: Report | TrailReport, isJson: boolean): void {
  if (isJson) return terminal.print(JSON.stringify(report));
  for (const { index, id, message } of report.faults.slice(0, 20)) {
    const event = id === null ? '' : ` (${printable(id)})`;
    terminal.print(terminal.paint('red', `BAD entry ${index}${event}: ${printable(message)}`));
  }
  const macs = report.areMacsChecked ? 'checked' : 'not checked: that needs the key';
  const result = report.isSound ? 'sound' : `${report.faultCount} faults`;
  terminal.print(`${report.entries} entries, ${report.checkpoints} checkpoints, MACs ${macs}: ${result}`);
  if (report.key !== null) terminal.print(`signed with ${printable(report.key)}`);
}
