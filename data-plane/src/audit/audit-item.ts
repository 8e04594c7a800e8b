/** What waits to become entries of the trail, and the text of a link of them. */
import {
  type AuditBeginning,
  type AuditEnding,
  writeFurtherIntent,
  writeLoneOutcome,
  writeOutcome,
} from '@onecli/shared/domain/audit-entry';
import type { IntentLines } from '@onecli/shared/domain/intent-lines';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';

export type IntendedEvent = AuditBeginning & Pick<AuditEvent, 'timeMs' | 'rule' | 'secrets'>;
/** An event as the request path knows it: the trail adds where and in which order. */
export type RecordedEvent = AuditBeginning & AuditEnding;

/** That a request's secrets are about to leave. */
export interface Intent {
  /** Its place in the order, once it is in the spool. */
  sequence: number | undefined;
  /** What it says: an outcome says it too where the spool could not take the intent. */
  readonly event: IntendedEvent;
  readonly run: IntentRun;
}

/** What intents share that lie in one folder. */
export interface IntentRun {
  /** The folder was taken away: who has it says what became of them. */
  isOver: boolean;
}

/** An intent that is in the spool. */
type WrittenIntent = Intent & { readonly sequence: number };

export function isInSpool(intent: Intent | undefined): intent is WrittenIntent {
  return intent?.sequence !== undefined && !intent.run.isOver;
}

export type Item =
  | { readonly kind: 'intent'; readonly intent: Intent }
  | {
      readonly kind: 'further';
      readonly event: Pick<AuditEvent, 'timeMs' | 'secrets'>;
      readonly intent: Intent;
    }
  | { readonly kind: 'outcome'; readonly event: RecordedEvent }
  | { readonly kind: 'ending'; readonly event: AuditEnding; readonly intent: Intent };

/** A link is read, checked and handed on as a whole: what gathered while the disk was full is not one. */
const maxLinkItems = 1000;
const maxLinkBytes = 1024 * 1024;

/** The lines of the first items, as many as a link holds and at least one; intents among them learn their places. */
export function linesOf(
  items: readonly Item[],
  first: number,
  intents: IntentLines,
): { readonly count: number; readonly lines: string } {
  let lines = '';
  let count = 0;
  for (const item of items) {
    if (count === maxLinkItems || lines.length >= maxLinkBytes) break;
    lines += `${lineOf(item, first + count++, intents)}\n`;
  }
  return { count, lines };
}

function lineOf(item: Item, sequence: number, intents: IntentLines): string {
  switch (item.kind) {
    case 'intent':
      item.intent.sequence = sequence;
      return intents.write(sequence, item.intent.event);
    case 'further':
      return writeFurtherIntent(sequence, item.intent.sequence ?? sequence, item.event);
    case 'outcome':
      return writeLoneOutcome(sequence, item.event);
    case 'ending': {
      const { event, intent } = item;
      if (isInSpool(intent)) return writeOutcome(sequence, intent.sequence, event);
      return writeLoneOutcome(sequence, wholeEvent(intent.event, event));
    }
  }
}

/** Written out, because each event that is spread has a hidden class of its own. */
export function wholeEvent(beginning: AuditBeginning, ending: AuditEnding): RecordedEvent {
  return {
    timeMs: ending.timeMs,
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
