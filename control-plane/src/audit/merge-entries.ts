import {
  type AuditBeginning,
  type AuditEntry,
  type FurtherIntentEntry,
  type IntentEntry,
  intendedEvent,
  loneEvent,
  type OutcomeEntry,
} from '@onecli/shared/domain/audit-entry';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';

/** What is known of a request that has left and is not over. */
export interface OpenIntent {
  /** Undefined where the first intent is not among the entries at hand. */
  intent: IntentEntry | undefined;
  readonly further: FurtherIntentEntry[];
}

/** What entries come to: events of requests that are over, intents that are open, outcomes whose intent came before. */
export interface Merged {
  readonly events: AuditEvent[];
  /** By the sequence of the first intent. */
  readonly open: ReadonlyMap<number, OpenIntent>;
  readonly outcomes: readonly OutcomeEntry[];
}

/** Puts together what belongs together among entries in their order: one event for each request that is over. */
export function mergeEntries(worker: string, boot: string, entries: readonly AuditEntry[]): Merged {
  const events: AuditEvent[] = [];
  const open = new Map<number, OpenIntent>();
  const outcomes: OutcomeEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === 'INTENT') addIntent(open, entry);
    else if (entry.of === undefined) events.push(loneEvent(worker, boot, entry));
    else {
      const intent = open.get(entry.of)?.intent;
      if (intent) {
        open.delete(entry.of);
        events.push(intendedEvent(worker, boot, intent, entry));
      } else outcomes.push(entry);
    }
  }
  return { events, open, outcomes };
}

/** Adds an intent to those that are open. */
export function addIntent(open: Map<number, OpenIntent>, entry: IntentEntry | FurtherIntentEntry): void {
  const first = entry.of ?? entry.sequence;
  const known = open.get(first) ?? { intent: undefined, further: [] };
  if (entry.of === undefined) known.intent = entry;
  else known.further.push(entry);
  open.set(first, known);
}

/** The event of a request whose intent came earlier, or was lost: of that only the outcome is known. */
export function settledEvent(
  worker: string,
  boot: string,
  outcome: OutcomeEntry,
  known: OpenIntent | undefined,
): AuditEvent {
  return intendedEvent(worker, boot, known?.intent ?? lostIntent(outcome.of, outcome), outcome);
}

/** The events of requests whose worker ended before they did. */
export function interruptedEvents(
  worker: string,
  boot: string,
  open: ReadonlyMap<number, OpenIntent>,
): readonly AuditEvent[] {
  return [...open].flatMap(([first, { intent, further }]) => {
    const [earliest] = further;
    const known = intent ?? (earliest && lostIntent(first, earliest));
    const more = further.flatMap(({ secrets }) => secrets);
    return known ? [intendedEvent(worker, boot, known, undefined, more)] : [];
  });
}

const unknown: AuditBeginning = {
  revision: 0,
  requestId: '',
  agentId: undefined,
  agent: undefined,
  host: '',
  port: 0,
  method: '',
  path: '',
};

function lostIntent(sequence: number, { timeMs, secrets }: Pick<IntentEntry, 'timeMs' | 'secrets'>): IntentEntry {
  return { kind: 'INTENT', sequence, of: undefined, timeMs, rule: undefined, secrets, ...unknown };
}
