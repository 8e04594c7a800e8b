/** The opening handshake (RFC 6455 4) of one who stands between the two: what a client may ask, and what may answer it. */
import { createHash } from 'node:crypto';
import { type Header, headerValue, headerValues, type RequestHead, type ResponseHead } from '../wire/head.ts';
import { withoutHopByHop } from '../wire/hop-by-hop.ts';
import {
  type DeflateOffer,
  type DeflateParameters,
  parseAgreement,
  parseOffers,
  writeOffers,
} from './codec/extensions.ts';

/** What a client asks for. */
export interface WebSocketUpgrade {
  readonly kind: 'websocket';
  readonly key: string;
  readonly offers: readonly DeflateOffer[];
  readonly protocols: readonly string[];
}

export type Upgrade =
  | WebSocketUpgrade
  /** Another protocol than WebSocket: `h2c`, say. */
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'malformed'; readonly detail: string };

const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64: the last character has four bits to spare. */
const keySyntax = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const version = '13';

/** Reads the upgrade that a request asks for; undefined when it asks for none. */
export function readUpgrade(head: RequestHead): Upgrade | undefined {
  const { headers } = head;
  const upgrades = headerValues(headers, 'upgrade');
  if (upgrades.length === 0) return undefined;
  if (upgrades.length > 1 || upgrades[0]?.toLowerCase() !== 'websocket') return { kind: 'unsupported' };
  if (head.method !== 'GET' || head.minor === 0) return malformed('a WebSocket begins with a GET of HTTP/1.1');
  if (!hasConnectionOption(headers, 'upgrade')) return malformed('the Connection header does not name Upgrade');
  const key = single(headers, 'sec-websocket-key');
  if (key === undefined || !keySyntax.test(key)) return malformed('Sec-WebSocket-Key is not 16 bytes in base64');
  if (single(headers, 'sec-websocket-version') !== version) return malformed('Sec-WebSocket-Version is not 13');
  const extensions = headerValues(headers, 'sec-websocket-extensions');
  const offers = extensions.length === 0 ? [] : parseOffers(extensions.join(','));
  if (offers === 'malformed') return malformed('Sec-WebSocket-Extensions is malformed');
  const protocols = headerValues(headers, 'sec-websocket-protocol').flatMap((value) => listOf(value));
  return { kind: 'websocket', key, offers, protocols };
}

/** A request's headers as they are forwarded with its upgrade, and with the extensions alone that are understood. */
export function upgradeHeaders(headers: readonly Header[], { offers }: WebSocketUpgrade): Header[] {
  const forwarded = headers.filter(({ name }) => name !== 'sec-websocket-extensions');
  forwarded.push(...switching);
  if (offers.length > 0) {
    const rawName = 'Sec-WebSocket-Extensions';
    forwarded.push({ name: rawName.toLowerCase(), rawName, value: writeOffers(offers) });
  }
  return forwarded;
}

/** A 101 that may go on to the client. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly headers: readonly Header[];
  readonly deflate: DeflateParameters | undefined;
}

/** Judges a 101: it answers this very handshake, with nothing in it that was not offered (RFC 6455 4.1). */
export function judgeAcceptance(
  head: ResponseHead,
  upgrade: WebSocketUpgrade,
): Accepted | { readonly kind: 'refused'; readonly detail: string } {
  const { headers, minor } = head;
  if (minor === 0) return refused('it is HTTP/1.0');
  if (single(headers, 'upgrade')?.toLowerCase() !== 'websocket') return refused('its Upgrade is not websocket');
  if (!hasConnectionOption(headers, 'upgrade')) return refused('its Connection does not name Upgrade');
  const accept = createHash('sha1')
    .update(upgrade.key + acceptSalt)
    .digest('base64');
  if (single(headers, 'sec-websocket-accept') !== accept) return refused('its Sec-WebSocket-Accept is wrong');
  if (headerValues(headers, 'transfer-encoding').length > 0) return refused('it has a Transfer-Encoding');
  const protocols = headerValues(headers, 'sec-websocket-protocol');
  if (protocols.length > 1 || protocols.some((protocol) => !upgrade.protocols.includes(protocol))) {
    return refused('it names a subprotocol that was not offered');
  }
  const extensions = headerValues(headers, 'sec-websocket-extensions');
  const deflate = parseAgreement(extensions.length === 0 ? undefined : extensions.join(','), upgrade.offers);
  if (deflate === 'refused') return refused('it names an extension that was not offered');
  return { kind: 'accepted', headers: [...switching, ...withoutHopByHop(headers)], deflate };
}

const switching: readonly Header[] = [
  { name: 'upgrade', rawName: 'Upgrade', value: 'websocket' },
  { name: 'connection', rawName: 'Connection', value: 'Upgrade' },
];

function malformed(detail: string): Upgrade {
  return { kind: 'malformed', detail };
}

function refused(detail: string): { readonly kind: 'refused'; readonly detail: string } {
  return { kind: 'refused', detail };
}

/** The value of a field that is there exactly once. */
function single(headers: readonly Header[], name: string): string | undefined {
  return headerValues(headers, name).length === 1 ? headerValue(headers, name) : undefined;
}

function listOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function hasConnectionOption(headers: readonly Header[], option: string): boolean {
  return headerValues(headers, 'connection').some((value) => listOf(value.toLowerCase()).includes(option));
}
