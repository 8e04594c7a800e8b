/** Names of fields as they come: the same few again and again, recognised by their octets and made into strings once. */
import { isHopByHop } from './hop-by-hop.ts';

export interface FieldName {
  readonly rawName: string;
  /** Lower case. */
  readonly name: string;
  readonly isHopByHop: boolean;
}

interface Known extends FieldName {
  readonly octets: Buffer;
}

const slotBits = 11;
/** Two names that fall on one slot take turns: what agents think up can push names out, never fill memory. */
const slots: (Known | undefined)[] = Array.from({ length: 1 << slotBits });
const maxKnownBytes = 64;

/** The field name that stands in `bytes` from `start` up to `end`. */
export function fieldNameAt(bytes: Buffer, start: number, end: number): FieldName {
  const slot = slotOf(bytes, start, end);
  const known = slots[slot];
  if (known !== undefined && isAt(known.octets, bytes, start, end)) return known;
  const octets = Buffer.from(bytes.subarray(start, end));
  const rawName = octets.toString('latin1');
  const name = rawName.toLowerCase();
  const made = { rawName, name, isHopByHop: isHopByHop(name), octets };
  if (octets.length <= maxKnownBytes) slots[slot] = made;
  return made;
}

function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  return (hash ^ (hash >>> slotBits)) & ((1 << slotBits) - 1);
}

function isAt(octets: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (octets.length !== end - start) return false;
  for (let at = 0; at < octets.length; at++) if (octets[at] !== bytes[start + at]) return false;
  return true;
}
