import type { AuditEvent } from '../../domain/audit-event.ts';
import { openMessage, sealMessage } from '../../vault/sealed-message.ts';

/** A batch as it lies in the queue: base64 of the sealed JSON. */
export interface SealedBatch {
  readonly sealed: string;
}

const purpose = 'audit-batch';

/** @param key the 32-byte key derived for `audit-queue` */
export function sealBatch(key: Buffer, events: readonly AuditEvent[]): SealedBatch {
  return { sealed: sealMessage(key, purpose, Buffer.from(JSON.stringify(events), 'utf8')).toString('base64') };
}

/** @throws VaultFault CANNOT_OPEN for what was not sealed with this key */
export function openBatch(key: Buffer, batch: SealedBatch): readonly AuditEvent[] {
  const opened = openMessage(key, purpose, Buffer.from(String(batch.sealed), 'base64'));
  return JSON.parse(opened.toString('utf8')) as AuditEvent[];
}
