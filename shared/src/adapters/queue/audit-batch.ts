import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AuditEvent } from '../../domain/audit-event.ts';
import type { TrailBatch } from '../../ports/audit-queue.ts';
import { openMessage, sealMessage } from '../../vault/sealed-message.ts';
import { eventsOf } from './event-batch.ts';

/** A batch as it lies in the queue: base64 of the sealed, deflated text that `packBatch` makes. */
export interface SealedBatch {
  readonly sealed: string;
}

const purpose = 'audit-batch';

/** A batch as one text in ASCII: its links after a line that says what they are. */
export function packBatch({ text, ...head }: TrailBatch): string {
  return `${JSON.stringify(head)}\n${text}`;
}

/**
 * Deflates and seals what `packBatch` made: every step in the queue's store is paid for by the byte.
 * @param key the 32-byte key derived for `audit-queue`
 */
export function sealBatch(key: Buffer, packed: string): SealedBatch {
  const deflated = deflateRawSync(Buffer.from(packed, 'latin1'), { level: 1 });
  return { sealed: sealMessage(key, purpose, deflated).toString('base64') };
}

/** @throws VaultFault CANNOT_OPEN for what was not sealed with this key */
export function openBatch(key: Buffer, batch: SealedBatch): TrailBatch {
  return unpackBatch(unseal(key, batch));
}

/** A batch of links, or of events as workers of the release before give them. @throws VaultFault CANNOT_OPEN */
export function openAnyBatch(key: Buffer, batch: SealedBatch): TrailBatch | { readonly events: readonly AuditEvent[] } {
  const packed = unseal(key, batch);
  return packed.includes(0x0a) ? unpackBatch(packed) : { events: eventsOf(packed.toString('utf8')) };
}

function unseal(key: Buffer, batch: SealedBatch): Buffer {
  return inflateRawSync(openMessage(key, purpose, Buffer.from(String(batch.sealed), 'base64')));
}

function unpackBatch(bytes: Buffer): TrailBatch {
  const packed = bytes.toString('latin1');
  const end = packed.indexOf('\n');
  const head = JSON.parse(packed.slice(0, end)) as Omit<TrailBatch, 'text'>;
  return { ...head, text: packed.slice(end + 1) };
}
