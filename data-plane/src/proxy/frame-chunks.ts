import type { Framing } from '../wire/frame-body.ts';
import { encodeChunk, lastChunk } from '../wire/write-head.ts';

const maxPieces = 4;

/**
 * The payload of one read as few pieces: a peer that sends its body in chunks of a byte must not cost us a buffer and a
 * write for each.
 */
export function joinPayload(chunks: Buffer[]): Buffer[] {
  return chunks.length > maxPieces ? [Buffer.concat(chunks)] : chunks;
}

/** Payload in our own framing: as it is, or as one chunk, with the end mark after the last (RFC 9112 7.1). */
export function frameChunks(chunks: readonly Buffer[], isLast: boolean, framing: Framing): readonly Buffer[] {
  if (framing.kind !== 'chunked') return chunks;
  const framed = encodeChunk(...chunks);
  if (isLast) framed.push(lastChunk);
  return framed;
}
