import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { printable, type Terminal } from '../terminal.ts';

const holderSchema = z.looseObject({ agent: z.string(), expiresAt: z.string(), isRenewed: z.boolean() });
const authoritySchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  subject: z.string(),
  fingerprint: z.string(),
  notAfter: z.string().nullable(),
  trustFingerprint: z.string().nullable(),
  constraints: z.array(z.string()),
  isIntact: z.boolean(),
  activatesAt: z.string().nullable(),
  holders: z.array(holderSchema),
  holderCount: z.number(),
  unrecordedUntil: z.string().nullable(),
});
const authoritiesSchema = z.looseObject({
  kind: z.string(),
  authorities: z.array(authoritySchema),
  waitingFor: z.array(z.string()),
});
export const writtenAuthoritiesSchema = authoritiesSchema.extend({ change: z.string() });
type Authorities = z.infer<typeof authoritiesSchema>;

interface KindOption {
  readonly client?: true;
}

/** With `--client` it is about the authority of agents' client certificates. */
function ofKind(command: Command): Command {
  return command.option('--client', 'the authority that issues client certificates of agents');
}

function kindOf({ client }: KindOption): 'CLIENT' | 'GATEWAY' {
  return client ? 'CLIENT' : 'GATEWAY';
}

/** `onecli ca status|rotate|activate|retire`. */
export function addRotation(ca: Command, context: CommandContext): void {
  addStatus(ca, context);
  addRotate(ca, context);
  addActivate(ca, context);
  addRetire(ca, context);
}

function addStatus(ca: Command, context: CommandContext): void {
  ofKind(ca.command('status'))
    .description('show each authority with its fingerprint (SHA-256), and how far a rotation is')
    .option('--json', 'as JSON')
    .action(async (options: KindOption & { json?: true }) => {
      const path = `/api/authorities?kind=${kindOf(options)}`;
      const found = await openApi(context).call('GET', path, authoritiesSchema);
      if (options.json) return context.terminal.print(JSON.stringify(found, null, 2));
      showAuthorities(context.terminal, found);
    });
}

function addRotate(ca: Command, context: CommandContext): void {
  ofKind(ca.command('rotate'))
    .description('make the next authority; both are trusted from now on, and the old one signs')
    .option(
      '--overlap <time>',
      'how long until the next one signs by itself: 0h, 12h, 7d (default: 7d; --client: 0h)',
      parseOverlap,
    )
    .addHelpText(
      'after',
      `
Three steps:
  onecli ca rotate      clients are given the next authority beside the one that signs
  (the overlap)         clients that began before end, or are started anew: \`onecli run\` fetches both
  onecli ca activate    the next one signs; it happens by itself at the end of the overlap
  onecli ca retire      the old one is trusted no more, and its key is destroyed

Has the key leaked? --overlap 0h, start every agent anew, and retire the old one at once.

Client certificates:
  onecli ca rotate --client     workers trust the next authority, too; seconds later it issues the new certificates
  onecli agent certificate …    a new one for each agent that \`onecli ca status --client\` names
  onecli ca retire --client     the old certificates are refused, and the tunnels that they opened end`,
    )
    .action(async (options: KindOption & { overlap?: number }) => {
      const api = openApi(context);
      const { overlap: overlapHours } = options;
      const body = { kind: kindOf(options), ...(overlapHours === undefined ? {} : { overlapHours }) };
      const { change, ...found } = await api.call('POST', '/api/authorities/rotate', writtenAuthoritiesSchema, body);
      if (change === 'UNCHANGED') context.terminal.notice('there is a next authority already: the rotation goes on');
      showAuthorities(context.terminal, found);
    });
}

function addActivate(ca: Command, context: CommandContext): void {
  ofKind(ca.command('activate'))
    .description('let the next authority sign now; running workers take it over, and open tunnels stay')
    .option('--early', 'before the overlap is over: clients that began before the rotation do not trust it')
    .action(async (options: KindOption & { early?: true }) => {
      const api = openApi(context);
      const body = { kind: kindOf(options), isEarly: options.early === true };
      const { change, ...found } = await api.call('POST', '/api/authorities/activate', writtenAuthoritiesSchema, body);
      if (change === 'UNCHANGED') context.terminal.notice('there is no next authority: nothing was changed');
      showAuthorities(context.terminal, found);
    });
}

function addRetire(ca: Command, context: CommandContext): void {
  ofKind(ca.command('retire'))
    .description('have the authorities before the active one trusted no more, and destroy their keys')
    .argument('[id]', 'another one alone, as `onecli ca status` shows it: the next one is withdrawn so')
    .option('--force', 'with --client: also while agents have certificates by it; these are refused then')
    .action(async (id: string | undefined, options: KindOption & { force?: true }) => {
      const api = openApi(context);
      const body = { kind: kindOf(options), isForced: options.force === true, ...(id === undefined ? {} : { id }) };
      const { change, ...found } = await api.call('POST', '/api/authorities/retire', writtenAuthoritiesSchema, body);
      if (change === 'UNCHANGED') {
        if (id !== undefined) throw usageError(`there is no authority with the id ${id}`, 'see: onecli ca status');
        context.terminal.notice('there is none before the active one: nothing was changed');
      }
      showAuthorities(context.terminal, found);
    });
}

/** Hours of `12h` or `7d`. */
export function parseOverlap(text: string): number {
  const [, count, unit] = /^(\d{1,4})([hd])$/.exec(text) ?? [];
  const hours = Number(count) * (unit === 'd' ? 24 : 1);
  if (count === undefined || hours > 365 * 24) throw new InvalidArgumentError('expected hours or days: 12h, 7d.');
  return hours;
}

/** Prints them, and how far a rotation is. */
export function showAuthorities(terminal: Terminal, { kind, authorities, waitingFor }: Authorities): void {
  if (authorities.length === 0) terminal.print('there is none: the first client certificate of an agent makes it');
  else showTable(terminal, authorities);
  for (const authority of authorities) showHolders(terminal, kind, authority);
  const next = authorities.find(({ state }) => state === 'NEXT');
  if (next) terminal.print(`the next one signs from ${next.activatesAt ?? 'the moment it is activated'} on`);
  if (waitingFor.length > 0) terminal.print(`waiting for workers: ${waitingFor.map(printable).join(', ')}`);
}

function showTable(terminal: Terminal, authorities: Authorities['authorities']): void {
  const rows = authorities.map(({ state, fingerprint, notAfter, id, subject }) => [
    state,
    fingerprint,
    notAfter ?? '-',
    id,
    subject,
  ]);
  for (const line of formatTable(['STATE', 'SHA-256', 'VALID UNTIL', 'ID', 'SUBJECT'], rows)) terminal.print(line);
  for (const { fingerprint, trustFingerprint, id, constraints } of authorities) {
    const name = id.slice(0, 8);
    if (trustFingerprint !== null && trustFingerprint !== fingerprint)
      terminal.print(`${name}: clients are given its root to trust, SHA-256 ${printable(trustFingerprint)}`);
    if (constraints.length > 0) terminal.print(`${name} may issue for: ${constraints.map(printable).join(', ')}`);
  }
  for (const { isIntact, id } of authorities)
    if (!isIntact) terminal.print(`altered, and not used: ${printable(id)}; retire it, and find out who wrote there`);
}

/** Who has certificates that end with it. */
function showHolders(
  terminal: Terminal,
  kind: string,
  { id, state, ...authority }: Authorities['authorities'][number],
): void {
  const { holders, holderCount, unrecordedUntil } = authority;
  if (kind !== 'CLIENT' || state === 'NEXT') return;
  const name = id.slice(0, 8);
  for (const { agent, expiresAt, isRenewed } of holders)
    terminal.print(
      `${name}: ${printable(agent)} has a certificate until ${expiresAt}${isRenewed ? ', and a newer one' : ''}`,
    );
  if (holderCount > holders.length) terminal.print(`${name}: and ${holderCount - holders.length} more agents`);
  if (unrecordedUntil !== null)
    terminal.print(`${name}: certificates of an earlier release may be good until ${unrecordedUntil}`);
}
