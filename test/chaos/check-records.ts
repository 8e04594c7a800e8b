/**
 * The oracle: what upstreams received, what agents saw and what the trail says must agree. Every sentence that does not hold is a
 * finding with its count and a few examples.
 */
import type { AuditItem } from '../support/world.ts';
import { canariesIn } from '../support/canary.ts';
import { expectedStatus, type Outcome } from './agent-requests.ts';
import type { Arrival } from './chaos-upstream.ts';
import type { ChaosAgent } from './chaos-world.ts';
import type { Fault } from './faults.ts';

/** How far the clocks of a fault and of a failure that follows from it may be apart. */
const slackMs = 500;
const examplesKept = 50;

export interface Records {
  readonly agents: readonly ChaosAgent[];
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly arrivals: readonly Arrival[];
  readonly outcomes: readonly Outcome[];
  readonly events: readonly AuditItem[];
  readonly faults: readonly Fault[];
  /** Of the trail's verification. */
  readonly trailFaults: readonly string[];
}

export interface Finding {
  count: number;
  examples: string[];
}

export interface Verdict {
  /** A credential at an upstream that is not the one of that agent for that host, or any where there may be none. */
  readonly wrongCredentials: Finding;
  /** A request at an upstream that no agent made, or that had to be refused. */
  readonly unpermitted: Finding;
  /** A secret in what an agent saw. */
  readonly secretsAtAgents: Finding;
  /** A request that reached an upstream with a secret and has no event that names it. */
  readonly secretsWithoutEvent: Finding;
  /** A request that was answered and has no event. */
  readonly answersWithoutEvent: Finding;
  /** A request that has more events than it was sent. */
  readonly recordedTwice: Finding;
  /** What the gateway's own verification of its trail finds: chains, tree, signatures, the list against the entries. */
  readonly trailFaults: Finding;
  /** A failure of a request that no killed process had under way, or an answer that is not the one to expect. */
  readonly unexplainedFailures: Finding;
  /** Failures of requests that a killed worker or balancer had under way. */
  readonly explainedFailures: number;
  readonly retried: number;
  readonly outcomes: number;
  readonly arrivals: number;
  readonly arrivalsWithSecret: number;
  readonly events: number;
}

/** Judges the records of one run. */
export function checkRecords(records: Records): Verdict {
  const { outcomes, arrivals, events } = records;
  const eventIds = new Set(events.map(({ path }) => idOf(path)));
  const usesOf = new Set(
    events.flatMap(({ path, secrets }) => secrets.map((secret) => `${idOf(path)} ${secret.split('@')[0]}`)),
  );
  const secretOf = new Map(outcomes.map(({ id, agent }) => [id, agent.secret]));
  const credentials = checkCredentials(records);
  const failures = checkFailures(records);
  const carried = arrivals.filter((arrival) => credentialsOf(arrival).length > 0);
  const allValues = [...records.values.values()].flat();
  return {
    ...credentials,
    ...failures,
    secretsAtAgents: findingOf(outcomes.filter(({ text }) => canariesIn(text, allValues).length > 0).map(describe)),
    secretsWithoutEvent: findingOf(
      carried.filter(({ id }) => !usesOf.has(`${id} ${secretOf.get(id)}`)).map(({ id, kind }) => `${kind} ${id}`),
    ),
    answersWithoutEvent: findingOf(
      outcomes
        .filter(({ id, status, problem }) => status !== undefined && problem === undefined && !eventIds.has(id))
        .map(describe),
    ),
    recordedTwice: findingOf(repeated(records)),
    trailFaults: findingOf(records.trailFaults),
    retried: outcomes.filter(({ isRetried }) => isRetried).length,
    outcomes: outcomes.length,
    arrivals: arrivals.length,
    arrivalsWithSecret: carried.length,
    events: events.length,
  };
}

function repeated({ outcomes, events }: Records): string[] {
  const counts = new Map<string, number>();
  for (const { path } of events) counts.set(idOf(path), (counts.get(idOf(path)) ?? 0) + 1);
  return outcomes.filter(({ id, isRetried }) => (counts.get(id) ?? 0) > (isRetried ? 2 : 1)).map(describe);
}

/** Whether every sentence that must hold does. */
export function isSound(verdict: Verdict): boolean {
  return Object.values(verdict).every((value) => typeof value === 'number' || (value as Finding).count === 0);
}

function checkCredentials({ arrivals, outcomes, values }: Records): Pick<Verdict, 'wrongCredentials' | 'unpermitted'> {
  const plans = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const wrong: string[] = [];
  const unpermitted: string[] = [];
  for (const arrival of arrivals) {
    const plan = plans.get(arrival.id);
    if (plan === undefined || plan.kind !== arrival.kind || expectedStatus(plan.kind) === 403) {
      unpermitted.push(`${arrival.kind} ${arrival.id} at ${arrival.host}`);
      continue;
    }
    const known = plan.kind === 'plain' ? [] : (values.get(plan.agent.secret) ?? []);
    const found = credentialsOf(arrival);
    const isRight =
      arrival.host === plan.agent.host &&
      (plan.kind === 'plain'
        ? found.length === 0
        : found.length === 1 && known.some((value) => found[0] === `Bearer ${value}`));
    const allButOwn = [...values].filter(([name]) => name !== plan.agent.secret).flatMap(([, all]) => all);
    const isClean = canariesIn(arrival.rawHeaders.join('\n') + arrival.target, allButOwn).length === 0;
    if (!isRight || !isClean) wrong.push(`${arrival.kind} ${arrival.id} at ${arrival.host}`);
  }
  return { wrongCredentials: findingOf(wrong), unpermitted: findingOf(unpermitted) };
}

function checkFailures({
  outcomes,
  faults,
  events,
}: Records): Pick<Verdict, 'unexplainedFailures' | 'explainedFailures'> {
  const workers = workersOfTunnels(outcomes, events);
  const failed = outcomes.filter(({ problem }) => problem !== undefined);
  const unexplained = failed.filter((outcome) => {
    const worker = outcome.tunnel === undefined ? undefined : workers.get(outcome.tunnel);
    return !faults.some((fault) => explains(fault, outcome, worker));
  });
  return {
    unexplainedFailures: findingOf(unexplained.map(describe)),
    explainedFailures: failed.length - unexplained.length,
  };
}

/** Faults that no agent may notice. */
const unnoticed: readonly Fault['how'][] = ['restarted', 'stopped', 'cut'];

/** A request was under way where the fault struck: at its worker, if that is known. A wrong answer nothing explains. */
function explains(fault: Fault, outcome: Outcome, worker: string | undefined): boolean {
  if (fault.how === 'unwritable') return isRefusedMeanwhile(fault, outcome);
  if (unnoticed.includes(fault.how) || outcome.status !== undefined) return false;
  if (fault.kind !== 'worker' && fault.kind !== 'haproxy') return false;
  if (fault.kind === 'worker' && worker !== undefined && worker !== fault.name) return false;
  const begunMs = outcome.openedMs === undefined ? outcome.startMs : Math.max(outcome.openedMs, outcome.startMs);
  // The balancer refuses connections until it is back; a worker's are given to others at once.
  const untilMs = fault.kind === 'haproxy' && fault.how === 'killed' ? fault.fromMs + 3000 : fault.untilMs;
  return Math.min(begunMs, outcome.startMs) <= untilMs + slackMs && outcome.endMs >= fault.fromMs - slackMs;
}

/** What cannot be recorded is refused, in a tunnel or in its place, and never left without an answer. */
function isRefusedMeanwhile({ fromMs, untilMs }: Fault, { status, problem, startMs, endMs }: Outcome): boolean {
  const isMeanwhile = startMs <= untilMs + slackMs && endMs >= fromMs - slackMs;
  return isMeanwhile && (status === 503 || (status === undefined && / refused 503 /.test(problem ?? '')));
}

/** A tunnel stays with its worker, whose name the events of its requests have. */
function workersOfTunnels(outcomes: readonly Outcome[], events: readonly AuditItem[]): Map<number, string> {
  const byRequest = new Map(events.map(({ id, path }) => [idOf(path), id.replace(/-[^-]+-[^-]+$/, '')]));
  const found = new Map<number, string>();
  for (const { tunnel, id } of outcomes) {
    const worker = byRequest.get(id);
    if (tunnel !== undefined && worker !== undefined) found.set(tunnel, worker);
  }
  return found;
}

function credentialsOf({ rawHeaders }: Arrival): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization');
}

function idOf(path: string): string {
  return path.split('?')[0]?.split('/')[3] ?? '';
}

function describe({ id, kind, startMs, endMs, openedMs, problem, status }: Outcome): string {
  const opened = openedMs === undefined ? 'no tunnel' : `tunnel ${startMs - openedMs} ms old`;
  return `${kind} ${id} ${new Date(startMs).toISOString()} +${endMs - startMs} ms, ${opened}: ${problem ?? status}`;
}

function findingOf(all: readonly string[]): Finding {
  return { count: all.length, examples: all.slice(0, examplesKept) };
}
