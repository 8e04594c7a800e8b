import { Fault } from '@onecli/shared/fault';

/** A place in the list of audit events, which runs from the newest to the oldest: after this event. */
export interface AuditPlace {
  readonly timeMs: number;
  readonly id: string;
}

const form = /^([0-9]{1,15})\.([\x21-\x7e]{1,200})$/;

/** The opaque text of a place, safe in a URL. */
export function writeAuditCursor(place: AuditPlace): string {
  return Buffer.from(`${place.timeMs}.${place.id}`, 'utf8').toString('base64url');
}

/**
 * Reads what `writeAuditCursor` gave.
 * @throws Fault INVALID, field `after`
 */
export function readAuditCursor(cursor: string): AuditPlace {
  const match = form.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  const [, timeMs, id] = match ?? [];
  if (timeMs === undefined || id === undefined)
    throw new Fault('INVALID', '`after` is not a cursor of this list', { field: 'after' });
  return { timeMs: Number(timeMs), id };
}
