import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { runMaintenance } from '../run-maintenance.ts';
import { printable, type Terminal } from '../terminal.ts';

const lookEveryMs = 500;

const keysSchema = z.looseObject({
  sealingTerm: z.number(),
  rotation: z.string(),
  total: z.number(),
  current: z.number(),
  terms: z.array(z.looseObject({ term: z.number(), state: z.string(), createdAt: z.string() })),
  sealed: z.array(z.looseObject({ table: z.string(), term: z.number(), count: z.number() })),
  holders: z.array(
    z.looseObject({
      kind: z.string(),
      name: z.string(),
      terms: z.array(z.number()).nullable(),
      isMasterKeyCurrent: z.boolean().nullable(),
    }),
  ),
  waitingFor: z.array(z.string()),
  unopenable: z.array(z.string()),
  damaged: z.array(z.looseObject({ secret: z.string(), version: z.number(), isCurrent: z.boolean() })).default([]),
});
type Keys = z.infer<typeof keysSchema>;
const rotatedSchema = keysSchema.extend({ change: z.string() });

export function addKeys(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('the keys that everything is sealed under');
  addRekey(keys, context);
  keys
    .command('status')
    .description('show the key terms, how far a rotation is, and what each process has of them')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const found = await openApi(context).call('GET', '/api/keys', keysSchema);
      if (options.json) return context.terminal.print(JSON.stringify(found, null, 2));
      show(context.terminal, found);
    });
  keys
    .command('rotate')
    .description('move everything that is sealed to a new key, while all goes on; waits until it is done')
    .option('--no-wait', 'only begin: the control plane does the rest, and goes on after a restart')
    .addHelpText(
      'after',
      `
Every process learns the new key before anything is sealed with it; then all values are moved, and the old key is retired. No
request waits or fails. Ctrl-C ends the waiting alone.`,
    )
    .action(async (options: { wait: boolean }) => {
      const api = openApi(context);
      const { change, ...started } = await api.call('POST', '/api/keys/rotate', rotatedSchema);
      if (change === 'UNCHANGED') context.terminal.notice('a rotation is under way already: it goes on');
      if (options.wait) await follow(api, context.terminal, started);
      else show(context.terminal, started);
    });
}

function addRekey(keys: Command, context: CommandContext): void {
  keys
    .command('rekey')
    .description('replace the master key, in one transaction; what is sealed stays as it is')
    .option('--new-key-file <file>', 'file with the new key, 64 hexadecimal digits (default: made in the data folder)')
    .addHelpText(
      'after',
      `
With DATABASE_URL it works beside running processes, which go on with the old key until they are restarted with the new one; the
old one comes from ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE. Without it, it works on the data folder, while OneCLI is stopped.
Interrupted at any moment, it can be run again; the next start brings it to its end too. When the old key may have leaked, run
\`onecli keys rotate\` afterwards.`,
    )
    .action(async ({ newKeyFile }: { newKeyFile?: string }) => {
      const options = newKeyFile === undefined ? [] : ['--new-key-file', newKeyFile];
      process.exitCode = await runMaintenance(context, ['rekey', ...options]);
    });
}

/** Shows the progress until the rotation is done. @throws CliError when what is left does not open */
async function follow(api: ApiClient, terminal: Terminal, started: Keys): Promise<void> {
  let shown = '';
  for (let found = started; ; found = await api.call('GET', '/api/keys', keysSchema)) {
    const line = progressOf(found);
    if (line !== shown) terminal.notice(line);
    shown = line;
    if (found.rotation === 'IDLE') return;
    if (found.rotation === 'BLOCKED') {
      throw new CliError('values are left that do not open: their rows were altered', {
        hint: `${adviceOn(found).map(printable).join('; ')}. The rotation then ends by itself`,
      });
    }
    await setTimeout(lookEveryMs);
  }
}

/** What ends a rotation that is blocked: what does not open has to go, not only to be followed by something new. */
function adviceOn({ damaged, unopenable }: Keys): string[] {
  const commands = damaged.map(({ secret, version, isCurrent }) => {
    const destroy = `onecli secret destroy ${secret} ${version}`;
    return isCurrent ? `onecli secret put ${secret}, then ${destroy}` : destroy;
  });
  const others = unopenable.filter((place) => !place.startsWith('secret_version '));
  return [...commands, ...others.map((place) => `${place}: write it anew, or delete it`)];
}

function progressOf({ rotation, sealingTerm, total, current, waitingFor }: Keys): string {
  switch (rotation) {
    case 'IDLE':
      return `done: all ${total} values are sealed under term ${sealingTerm}`;
    case 'WAITING':
      return `waiting until every process has the new term: ${waitingFor.map(printable).join(', ') || 'all have it'}`;
    default:
      return `${current} of ${total} values moved to term ${sealingTerm}`;
  }
}

function show(terminal: Terminal, found: Keys): void {
  const { terms, sealed, holders } = found;
  const countOf = (term: number) =>
    sealed.filter((row) => row.term === term).reduce((sum, { count }) => sum + count, 0);
  const termRows = terms.map(({ term, state, createdAt }) => [`${term}`, state, `${countOf(term)}`, createdAt]);
  for (const line of formatTable(['TERM', 'STATE', 'VALUES', 'CREATED'], termRows)) terminal.print(line);
  terminal.print('');
  const holderRows = holders.map(({ kind, name, terms: has, isMasterKeyCurrent }) => [
    printable(name),
    kind,
    has?.join(', ') ?? 'does not tell: of an earlier release',
    isMasterKeyCurrent === false ? 'replaced: restart it' : 'current',
  ]);
  for (const line of formatTable(['PROCESS', 'KIND', 'HAS TERMS', 'MASTER KEY'], holderRows)) terminal.print(line);
  terminal.print('');
  terminal.print(found.rotation === 'IDLE' ? 'no rotation is under way' : progressOf(found));
  for (const place of found.unopenable) terminal.print(`does not open: ${printable(place)}`);
  if (found.rotation === 'BLOCKED') for (const advice of adviceOn(found)) terminal.print(`do: ${printable(advice)}`);
}
