/*
 * What a worker's audit trail is made of. A request that takes a secret along has two entries: its INTENT is kept before the
 * secret leaves, its OUTCOME follows when it is over. Every other request has an OUTCOME alone.
 *
 * An entry is one line: a JSON array without blanks, in ASCII (what is not is escaped), by position:
 *
 *   [sequence,"INTENT",null,timeMs,revision,requestId,agentId,agent,rule,host,port,method,path,secrets]
 *   [sequence,"INTENT",of,timeMs,secrets]              further secrets leave with the request whose first intent is `of`
 *   [sequence,"OUTCOME",of,timeMs,decision,reason,rule,status,latencyMs,requestBytes,responseBytes,secrets,findings]
 *   [sequence,"OUTCOME",null, … the same …,revision,requestId,agentId,agent,host,port,method,path]
 *
 * `findings` is a list of [kind,place]. What an entry does not have is null. The bytes of a line are what the chain covers, so
 * they are never made a second time: whoever passes an entry on passes the line on. Worker and boot stand in no line, since the
 * chain begins with them. Sequences of a boot are 0, 1, 2 … without a gap, over both kinds.
 */
import type { AuditEvent, Finding } from './audit-event.ts';

/** Reason of a request whose outcome will never be known, since its worker died. */
export const interruptedReason = 'INTERRUPTED';

/** What is known of a request before it leaves. */
export type AuditBeginning = Pick<
  AuditEvent,
  'revision' | 'requestId' | 'agentId' | 'agent' | 'host' | 'port' | 'method' | 'path'
>;

/** How it ended. */
export type AuditEnding = Pick<
  AuditEvent,
  | 'timeMs'
  | 'decision'
  | 'reason'
  | 'rule'
  | 'status'
  | 'latencyMs'
  | 'requestBytes'
  | 'responseBytes'
  | 'secrets'
  | 'findings'
>;

/** A request that takes secrets along is about to leave. */
export interface IntentEntry extends AuditBeginning, Pick<AuditEvent, 'timeMs' | 'rule' | 'secrets'> {
  readonly kind: 'INTENT';
  readonly sequence: number;
  readonly of: undefined;
}

/** Further secrets are about to leave with a request whose intent is there already. */
export interface FurtherIntentEntry extends Pick<AuditEvent, 'timeMs' | 'secrets'> {
  readonly kind: 'INTENT';
  readonly sequence: number;
  /** Sequence of the first intent. */
  readonly of: number;
}

/** The end of a request that had an intent. */
export interface OutcomeEntry extends AuditEnding {
  readonly kind: 'OUTCOME';
  readonly sequence: number;
  /** Sequence of the first intent. */
  readonly of: number;
}

/** The end of a request that took no secret along. */
export interface LoneOutcomeEntry extends AuditEnding, AuditBeginning {
  readonly kind: 'OUTCOME';
  readonly sequence: number;
  readonly of: undefined;
}

export type AuditEntry = IntentEntry | FurtherIntentEntry | OutcomeEntry | LoneOutcomeEntry;

/** The line of an entry, without a line feed. */
export function writeEntry(entry: AuditEntry): string {
  if (entry.kind === 'OUTCOME')
    return entry.of === undefined
      ? writeLoneOutcome(entry.sequence, entry)
      : writeOutcome(entry.sequence, entry.of, entry);
  return entry.of === undefined
    ? writeIntent(entry.sequence, entry)
    : writeFurtherIntent(entry.sequence, entry.of, entry);
}

export type Intended = AuditBeginning & Pick<AuditEvent, 'timeMs' | 'rule' | 'secrets'>;

export function writeIntent(sequence: number, intended: Intended): string {
  const { timeMs, revision, requestId, agentId, agent, rule, host, port, method, path, secrets } = intended;
  return `[${sequence},"INTENT",null,${timeMs},${revision},${text(requestId)},${text(agentId)},${text(agent)},${text(rule)},${text(host)},${port},${text(method)},${text(path)},${list(secrets)}]`;
}

export function writeFurtherIntent(
  sequence: number,
  of: number,
  { timeMs, secrets }: Pick<AuditEvent, 'timeMs' | 'secrets'>,
): string {
  return `[${sequence},"INTENT",${of},${timeMs},${list(secrets)}]`;
}

export function writeOutcome(sequence: number, of: number, ending: AuditEnding): string {
  return `[${sequence},"OUTCOME",${of},${writeEnding(ending)}]`;
}

export function writeLoneOutcome(sequence: number, event: AuditBeginning & AuditEnding): string {
  const { revision, requestId, agentId, agent, host, port, method, path } = event;
  return `[${sequence},"OUTCOME",null,${writeEnding(event)},${revision},${text(requestId)},${text(agentId)},${text(agent)},${text(host)},${port},${text(method)},${text(path)}]`;
}

function writeEnding(ending: AuditEnding): string {
  const { timeMs, decision, reason, rule, status, latencyMs, requestBytes, responseBytes, secrets, findings } = ending;
  return `${timeMs},"${decision}",${text(reason)},${text(rule)},${status},${latencyMs},${requestBytes},${responseBytes},${list(secrets)},${findingList(findings)}`;
}

/** Reads a line back. @throws SyntaxError for one that is no entry */
export function readEntry(line: string): AuditEntry {
  const found: unknown = JSON.parse(line);
  if (!Array.isArray(found)) throw new SyntaxError('A line of the audit trail is no entry');
  const [sequence, kind, of, ...rest] = found as [unknown, unknown, unknown, ...unknown[]];
  const length = lengthOf(kind, of);
  if (!isSequence(sequence) || (of !== null && !isSequence(of)) || rest.length !== length)
    throw new SyntaxError('A line of the audit trail is no entry');
  if (kind === 'INTENT') return of === null ? intentOf(sequence, rest) : furtherIntentOf(sequence, of, rest);
  const ending = endingOf(rest);
  if (of !== null) return { kind: 'OUTCOME', sequence, of, ...ending };
  const [revision, requestId, agentId, agent, host, port, method, path] = rest.slice(10);
  const beginning = beginningOf([revision, requestId, agentId, agent, host, port, method, path]);
  return { kind: 'OUTCOME', sequence, of: undefined, ...ending, ...beginning };
}

/** The event of a request that took no secret along. */
export function loneEvent(worker: string, boot: string, entry: LoneOutcomeEntry): AuditEvent {
  return eventOf(worker, boot, entry.sequence, entry, entry);
}

/**
 * The event of a request that took secrets along.
 * @param outcome undefined: the worker died before there was one
 * @param further secrets that left later on
 */
export function intendedEvent(
  worker: string,
  boot: string,
  intent: IntentEntry,
  outcome: OutcomeEntry | undefined,
  further: readonly string[] = [],
): AuditEvent {
  return eventOf(worker, boot, intent.sequence, intent, outcome ?? unknownOutcome(intent, further));
}

/** The id is unique, and the same however often and by whomever it is made: that of the request's first entry. */
export function eventId(worker: string, boot: string, sequence: number): string {
  return `${worker}-${boot}-${sequence.toString(36)}`;
}

function eventOf(
  worker: string,
  boot: string,
  sequence: number,
  beginning: AuditBeginning,
  ending: AuditEnding,
): AuditEvent {
  return {
    id: eventId(worker, boot, sequence),
    timeMs: ending.timeMs,
    worker,
    revision: beginning.revision,
    requestId: beginning.requestId,
    agentId: beginning.agentId,
    agent: beginning.agent,
    decision: ending.decision,
    reason: ending.reason,
    rule: ending.rule,
    host: beginning.host,
    port: beginning.port,
    method: beginning.method,
    path: beginning.path,
    status: ending.status,
    latencyMs: ending.latencyMs,
    requestBytes: ending.requestBytes,
    responseBytes: ending.responseBytes,
    secrets: ending.secrets,
    findings: ending.findings,
  };
}

function unknownOutcome(intent: IntentEntry, further: readonly string[]): AuditEnding {
  return {
    timeMs: intent.timeMs,
    decision: 'allow',
    reason: interruptedReason,
    rule: intent.rule,
    status: 0,
    latencyMs: 0,
    requestBytes: 0,
    responseBytes: 0,
    secrets: [...new Set([...intent.secrets, ...further])],
    findings: [],
  };
}

const plain = /^[ !#-[\]-~]*$/;
const notAscii = /[\u007f-\uffff]/g;

export function text(value: string | undefined): string {
  if (value === undefined) return 'null';
  if (plain.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(notAscii, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function list(values: readonly string[]): string {
  const [only] = values;
  if (only === undefined) return '[]';
  return values.length === 1 ? `[${text(only)}]` : `[${values.map(text).join(',')}]`;
}

function findingList(findings: readonly Finding[]): string {
  if (findings.length === 0) return '[]';
  return `[${findings.map(({ kind, place }) => `["${kind}",${text(place)}]`).join(',')}]`;
}

/** How many positions follow the first three. */
function lengthOf(kind: unknown, of: unknown): number {
  if (kind === 'INTENT') return of === null ? 11 : 2;
  if (kind === 'OUTCOME') return of === null ? 18 : 10;
  return -1;
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function intentOf(sequence: number, rest: readonly unknown[]): IntentEntry {
  const [timeMs, revision, requestId, agentId, agent, rule, host, port, method, path, secrets] = rest;
  return {
    kind: 'INTENT',
    sequence,
    of: undefined,
    timeMs: timeMs as number,
    ...beginningOf([revision, requestId, agentId, agent, host, port, method, path]),
    rule: (rule ?? undefined) as string | undefined,
    secrets: secrets as string[],
  };
}

function furtherIntentOf(sequence: number, of: number, [timeMs, secrets]: readonly unknown[]): FurtherIntentEntry {
  return { kind: 'INTENT', sequence, of, timeMs: timeMs as number, secrets: secrets as string[] };
}

function beginningOf(values: readonly unknown[]): AuditBeginning {
  const [revision, requestId, agentId, agent, host, port, method, path] = values;
  return {
    revision: revision as number,
    requestId: requestId as string,
    agentId: (agentId ?? undefined) as string | undefined,
    agent: (agent ?? undefined) as string | undefined,
    host: host as string,
    port: port as number,
    method: method as string,
    path: path as string,
  };
}

function endingOf(rest: readonly unknown[]): AuditEnding {
  const [timeMs, decision, reason, rule, status, latencyMs, requestBytes, responseBytes, secrets, findings] = rest;
  return {
    timeMs: timeMs as number,
    decision: decision as AuditEvent['decision'],
    reason: reason as string,
    rule: (rule ?? undefined) as string | undefined,
    status: status as number,
    latencyMs: latencyMs as number,
    requestBytes: requestBytes as number,
    responseBytes: responseBytes as number,
    secrets: secrets as string[],
    findings: (findings as [Finding['kind'], string][]).map(([kind, place]) => ({ kind, place })),
  };
}
