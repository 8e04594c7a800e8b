/** What waits to become entries of the trail, and the text of a link of them. */
import {
  type AuditBeginning,
  type AuditEnding,
  writeFurtherIntent,
  writeIntent,
  writeLoneOutcome,
  writeOutcome,
} from '@onecli/shared/domain/audit-entry';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';

export type IntendedEvent = AuditBeginning & Pick<AuditEvent, 'timeMs' | 'rule' | 'secrets'>;
/** An event as the request path knows it: the trail adds where and in which order. */
export type RecordedEvent = AuditBeginning & AuditEnding;

/** That a request's secrets are about to leave. */
export interface Intent {
  /** Its place in the order, once it is in the spool. */
  sequence: number | undefined;
}

export type Item =
  | { readonly kind: 'intent'; readonly event: IntendedEvent; readonly intent: Intent }
  | {
      readonly kind: 'further';
      readonly event: Pick<AuditEvent, 'timeMs' | 'secrets'>;
      readonly intent: Intent;
    }
  | { readonly kind: 'outcome'; readonly event: RecordedEvent; readonly intent: Intent | undefined };

/** A link is read, checked and handed on as a whole: what gathered while the disk was full is not one. */
const maxLinkItems = 1000;
const maxLinkBytes = 1024 * 1024;

/** The lines of the first items, as many as a link holds and at least one; intents among them learn their places. */
export function linesOf(items: readonly Item[], first: number): { readonly count: number; readonly lines: string } {
  let lines = '';
  let count = 0;
  for (const item of items) {
    if (count === maxLinkItems || lines.length >= maxLinkBytes) break;
    lines += `${lineOf(item, first + count++)}\n`;
  }
  return { count, lines };
}

function lineOf(item: Item, sequence: number): string {
  switch (item.kind) {
    case 'intent':
      item.intent.sequence = sequence;
      return writeIntent(sequence, item.event);
    case 'further':
      return writeFurtherIntent(sequence, item.intent.sequence ?? sequence, item.event);
    case 'outcome': {
      const of = item.intent?.sequence;
      return of === undefined ? writeLoneOutcome(sequence, item.event) : writeOutcome(sequence, of, item.event);
    }
  }
}
