import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { printable, type Terminal } from '../terminal.ts';

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
});
const authoritiesSchema = z.looseObject({
  authorities: z.array(authoritySchema),
  waitingFor: z.array(z.string()),
});
export const writtenAuthoritiesSchema = authoritiesSchema.extend({ change: z.string() });
type Authorities = z.infer<typeof authoritiesSchema>;

/** `onecli ca status|rotate|activate|retire`. */
export function addRotation(ca: Command, context: CommandContext): void {
  addStatus(ca, context);
  addRotate(ca, context);
  addActivate(ca, context);
  addRetire(ca, context);
}

function addStatus(ca: Command, context: CommandContext): void {
  ca.command('status')
    .description('show each authority with its fingerprint (SHA-256), and how far a rotation is')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const found = await openApi(context).call('GET', '/api/authorities', authoritiesSchema);
      if (options.json) return context.terminal.print(JSON.stringify(found, null, 2));
      showAuthorities(context.terminal, found);
    });
}

function addRotate(ca: Command, context: CommandContext): void {
  ca.command('rotate')
    .description('make the next authority; clients are given both from now on, and the old one signs')
    .option('--overlap <time>', 'how long until the next one signs by itself: 0h, 12h, 7d', parseOverlap, 168)
    .addHelpText(
      'after',
      `
Three steps:
  onecli ca rotate      clients are given the next authority beside the one that signs
  (the overlap)         clients that began before end, or are started anew: \`onecli run\` fetches both
  onecli ca activate    the next one signs; it happens by itself at the end of the overlap
  onecli ca retire      the old one is trusted no more, and its key is destroyed

Has the key leaked? --overlap 0h, start every agent anew, and retire the old one at once.`,
    )
    .action(async ({ overlap: overlapHours }: { overlap: number }) => {
      const api = openApi(context);
      const { change, ...found } = await api.call('POST', '/api/authorities/rotate', writtenAuthoritiesSchema, {
        overlapHours,
      });
      if (change === 'UNCHANGED') context.terminal.notice('there is a next authority already: the rotation goes on');
      showAuthorities(context.terminal, found);
    });
}

function addActivate(ca: Command, context: CommandContext): void {
  ca.command('activate')
    .description('let the next authority sign now; running workers take it over, and open tunnels stay')
    .option('--early', 'before the overlap is over: clients that began before the rotation do not trust it')
    .action(async ({ early }: { early?: true }) => {
      const api = openApi(context);
      const body = { isEarly: early === true };
      const { change, ...found } = await api.call('POST', '/api/authorities/activate', writtenAuthoritiesSchema, body);
      if (change === 'UNCHANGED') context.terminal.notice('there is no next authority: nothing was changed');
      showAuthorities(context.terminal, found);
    });
}

function addRetire(ca: Command, context: CommandContext): void {
  ca.command('retire')
    .description('stop clients from being given the authorities before the active one, and destroy their keys')
    .argument('[id]', 'another one alone, as `onecli ca status` shows it: the next one is withdrawn so')
    .action(async (id: string | undefined) => {
      const api = openApi(context);
      const body = id === undefined ? {} : { id };
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

export function showAuthorities(terminal: Terminal, { authorities, waitingFor }: Authorities): void {
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
  const next = authorities.find(({ state }) => state === 'NEXT');
  if (next) terminal.print(`the next one signs from ${next.activatesAt ?? 'the moment it is activated'} on`);
  if (waitingFor.length > 0) terminal.print(`waiting for workers: ${waitingFor.map(printable).join(', ')}`);
}
