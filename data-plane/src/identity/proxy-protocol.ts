/**
 * The PROXY protocol, versions 1 and 2 (HAProxy, "The PROXY protocol"): a load balancer tells the address of its client
 * ahead of the client's first byte.
 */
import { canonicalAddress } from '@onecli/shared/domain/cidr';

export type ProxyHeader =
  /** The connection begins with something else. */
  | { readonly kind: 'none' }
  /** `neededBytes`: how many there must be at least to tell more. */
  | { readonly kind: 'incomplete'; readonly neededBytes: number }
  /** `source` is undefined when the load balancer speaks for itself (LOCAL) or does not know (UNKNOWN). */
  | { readonly kind: 'header'; readonly consumedBytes: number; readonly source: string | undefined }
  | { readonly kind: 'malformed'; readonly detail: string };

const prefix1 = Buffer.from('PROXY ', 'latin1');
const signature2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Section 2.1: the longest line there can be, with its line end. */
const maxLineBytes = 107;
const head2Bytes = 16;
/** Addresses take up to 216 bytes; the rest are extensions, which are passed over. */
const maxPayload2Bytes = 2048;

/** Looks for a header at the start of a connection. Takes the bytes received so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, prefix1)) {
    return bytes.length < prefix1.length ? incomplete(bytes.length + 1) : readVersion1(bytes);
  }
  if (startsAlike(bytes, signature2)) {
    return bytes.length < head2Bytes ? incomplete(head2Bytes) : readVersion2(bytes);
  }
  return { kind: 'none' };
}

/** True when the one is the beginning of the other. */
function startsAlike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function incomplete(neededBytes: number): ProxyHeader {
  return { kind: 'incomplete', neededBytes };
}

function malformed(detail: string): ProxyHeader {
  return { kind: 'malformed', detail };
}

const line1 = /^PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5})$/;

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, maxLineBytes).indexOf('\r\n');
  if (end === -1) {
    return bytes.length < maxLineBytes ? incomplete(bytes.length + 1) : malformed('the PROXY line is too long');
  }
  const line = bytes.toString('latin1', 0, end);
  const consumedBytes = end + 2;
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { kind: 'header', consumedBytes, source: undefined };
  const [, family, source = '', destination = '', ...ports] = line1.exec(line) ?? [];
  const isSound = [source, destination].every((address) => isOfFamily(address, family)) && ports.every(isPort);
  if (family === undefined || !isSound) return malformed('the PROXY line is not understood');
  return { kind: 'header', consumedBytes, source: canonicalAddress(source) };
}

function isOfFamily(address: string, family: string | undefined): boolean {
  return canonicalAddress(address) !== undefined && address.includes(':') === (family === 'TCP6');
}

function isPort(text: string): boolean {
  return Number(text) <= 65_535;
}

/** Byte 13: version and command; 14: address family and transport; 15 and 16: the length of what follows. */
function readVersion2(bytes: Buffer): ProxyHeader {
  const [version, command] = [(bytes[12] ?? 0) >> 4, (bytes[12] ?? 0) & 15];
  const payloadBytes = bytes.readUInt16BE(14);
  if (version !== 2 || command > 1) return malformed('the PROXY header has an unknown version or command');
  if (payloadBytes > maxPayload2Bytes) return malformed('the PROXY header is too long');
  const consumedBytes = head2Bytes + payloadBytes;
  if (bytes.length < consumedBytes) return incomplete(consumedBytes);
  const family = bytes[13] ?? 0;
  if (command === 0 || (family >> 4 !== 1 && family >> 4 !== 2))
    return { kind: 'header', consumedBytes, source: undefined };
  const addressBytes = family >> 4 === 1 ? 4 : 16;
  if (family === 0 || payloadBytes < 2 * addressBytes + 4) return malformed('the PROXY header is cut short');
  const address = bytes.subarray(head2Bytes, head2Bytes + addressBytes);
  return { kind: 'header', consumedBytes, source: canonicalAddress(textOf(address)) };
}

function textOf(address: Buffer): string {
  if (address.length === 4) return address.join('.');
  return (address.toString('hex').match(/.{4}/g) ?? []).join(':');
}
