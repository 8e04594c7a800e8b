import { createHmac, timingSafeEqual } from 'node:crypto';

/** An announcement: the revision and, in hex, the HMAC-SHA256 of it. Whoever may connect to a bus may announce: hence the MAC. */
export function signRevision(key: Buffer, revision: number): string {
  return `${revision}:${macOf(key, String(revision)).toString('hex')}`;
}

/** The revision of an authentic announcement, else undefined. */
export function readSignedRevision(key: Buffer, message: string): number | undefined {
  if (message.length > longest) return undefined;
  const match = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(message);
  const [, revision = '', mac = ''] = match ?? [];
  if (match === null || !timingSafeEqual(Buffer.from(mac, 'hex'), macOf(key, revision))) return undefined;
  return Number(revision);
}

const longest = 15 + 1 + 64;

function macOf(key: Buffer, revision: string): Buffer {
  return createHmac('sha256', key).update(revision).digest();
}
