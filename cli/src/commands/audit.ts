import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { type ApiClient, ApiError } from '../api/api-client.ts';
import { type AuditEvent, auditEventSchema } from '../api/api-types.ts';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { parseCount } from '../parse-options.ts';
import { parseSince } from '../parse-since.ts';
import { printable, type Terminal } from '../terminal.ts';
import { addAuditCheckpoint, addAuditExport } from './audit-export.ts';
import { addAuditKey } from './audit-key.ts';
import { addAuditVerify } from './audit-verify.ts';
import { showAdminEvents } from './audit-admin.ts';

interface AuditOptions {
  readonly agent?: string;
  readonly host?: string;
  readonly decision?: string;
  readonly since?: string;
  readonly limit: number;
  readonly json?: true;
  readonly follow?: true;
  readonly admin?: true;
  readonly principal?: string;
  readonly action?: string;
  readonly outcome?: string;
}

const defaultLimit = 50;
const maxLimit = 10_000;
const pollIntervalMs = 1_000;
// Events are written in batches and may arrive out of the order of their times: look back this far for late ones.
const lateMs = 30_000;

export function addAudit(program: Command, context: CommandContext): void {
  const audit = program
    .command('audit')
    .description('show what agents did and what was decided, oldest first')
    .option('--agent <name>')
    .option('--host <host>')
    .addOption(new Option('--decision <decision>').choices(['allow', 'deny']))
    .option('--admin', 'what users, API keys and the command line did, and were refused')
    .option('--principal <who>', 'with --admin: user:alice, key:ci, local:local, nobody')
    .option('--action <action>', 'with --admin: secret:update, login, …')
    .addOption(new Option('--outcome <outcome>', 'with --admin').choices(['done', 'refused']))
    .option('--since <when>', 'an age (30m, 1h, 2d) or an ISO 8601 time')
    .option('--limit <count>', 'how many of the newest events', parseCount(maxLimit), defaultLimit)
    .option('--json', 'one JSON object a line')
    .option('--follow', 'go on with new events until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  onecli audit --since 1h
  onecli audit --agent my-agent --decision deny
  onecli audit --json --limit 1000 | jq .host
  onecli audit --follow
  onecli audit --admin --outcome refused --since 1d
  onecli audit verify; onecli audit export --format jsonl -o trail.jsonl`,
    )
    .action(async (options: AuditOptions) => {
      const api = openApi(context);
      const since = options.since === undefined ? undefined : parseSince(options.since, Date.now());
      if (options.admin) return await showAdmin(api, context.terminal, options, since);
      // Before the list is read: what lies within the look-back but beyond the limit is not new.
      const before = options.follow ? await fetchEvents(api, options, ago(Date.now(), 2 * lateMs), maxLimit) : [];
      const events = await fetchEvents(api, options, since, options.limit);
      const show = options.json ? printJson : printRows;
      show(context.terminal, events, true);
      if (!options.follow) return;
      const fetchSince = (from: string): Promise<AuditEvent[]> => fetchEvents(api, options, from, maxLimit);
      const showFresh = (fresh: AuditEvent[]): void => show(context.terminal, fresh, false);
      await follow(fetchSince, [...before, ...events], showFresh, context.terminal);
    });
  addAuditVerify(audit, context);
  addAuditExport(audit, context);
  addAuditCheckpoint(audit, context);
  addAuditKey(audit, context);
}

/** What is about agents is no filter of what principals did, nor does it follow. */
async function showAdmin(
  api: ApiClient,
  terminal: Terminal,
  { principal, action, outcome, limit, json, agent, host, decision, follow: isFollowed }: AuditOptions,
  since: string | undefined,
): Promise<void> {
  if (agent ?? host ?? decision ?? isFollowed)
    throw usageError('--agent, --host, --decision and --follow are not for --admin');
  await showAdminEvents(api, terminal, { principal, action, outcome, since }, { limit, json: json === true });
}

/** The newest `maxItems` events, oldest first. */
async function fetchEvents(
  api: ApiClient,
  options: AuditOptions,
  since: string | undefined,
  maxItems: number,
): Promise<AuditEvent[]> {
  const { agent, host, decision } = options;
  const query = { agent, host, decision, since };
  return inOrder(await api.list('/api/audit', auditEventSchema, query, maxItems));
}

function ago(fromMs: number, spanMs: number): string {
  return new Date(fromMs - spanMs).toISOString();
}

function inOrder(events: readonly AuditEvent[]): AuditEvent[] {
  return events.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1));
}

async function follow(
  fetchSince: (since: string) => Promise<AuditEvent[]>,
  shown: readonly AuditEvent[],
  show: (fresh: AuditEvent[]) => void,
  terminal: Terminal,
): Promise<never> {
  const seenAtMs = new Map(shown.map((event) => [event.id, Date.parse(event.time)]));
  let newestMs = Math.max(Date.now() - pollIntervalMs, ...seenAtMs.values());
  let isAway = false;
  for (;;) {
    await delay(pollIntervalMs);
    try {
      const events = await fetchSince(ago(newestMs, lateMs));
      const fresh = events.filter((event) => !seenAtMs.has(event.id));
      for (const event of fresh) seenAtMs.set(event.id, Date.parse(event.time));
      newestMs = Math.max(newestMs, ...fresh.map((event) => Date.parse(event.time)));
      for (const [id, timeMs] of seenAtMs) if (timeMs < newestMs - 2 * lateMs) seenAtMs.delete(id);
      if (fresh.length > 0) show(fresh);
      isAway = false;
    } catch (error) {
      const isRefusal = error instanceof ApiError && error.status < 500;
      if (!(error instanceof CliError) || isRefusal) throw error;
      if (!isAway) terminal.notice(`onecli: ${error.message}; going on when it is back`);
      isAway = true;
    }
  }
}

function printJson(terminal: Terminal, events: readonly AuditEvent[]): void {
  for (const event of events) terminal.print(JSON.stringify(event));
}

function printRows(terminal: Terminal, events: readonly AuditEvent[], isFirst: boolean): void {
  if (!isFirst) {
    for (const event of events) terminal.print(row(event).map(printable).join('  '));
    return;
  }
  if (events.length === 0) return terminal.notice('no events');
  const heading = ['TIME', 'AGENT', 'DECISION', 'METHOD', 'URL', 'STATUS', 'MS', 'SECRETS'];
  for (const [index, line] of formatTable(heading, events.map(row)).entries()) {
    terminal.print(events[index - 1]?.decision === 'deny' ? terminal.paint('red', line) : line);
  }
}

/** One event as cells; the reason of a denial stands beside the decision. */
function row(event: AuditEvent): string[] {
  const isDefaultPort = event.port === undefined || event.port === null || event.port === 443;
  const latency = event.latencyMs === undefined || event.latencyMs === null ? '' : String(Math.round(event.latencyMs));
  return [
    event.time,
    event.agent ?? '-',
    event.decision === 'deny' && event.reason ? `deny ${event.reason}` : event.decision,
    event.method ?? '-',
    `${event.host ?? '-'}${isDefaultPort ? '' : `:${event.port}`}${event.path === null ? ' (path does not open: altered)' : (event.path ?? '')}`,
    String(event.status ?? '-'),
    latency,
    (event.secrets ?? []).join(', '),
  ];
}
