/**
 * HTTP/2 field sections and the heads that the rest of the worker knows, both ways (RFC 9113 8.2, 8.3). node:http2 joins
 * what it is given to send with NUL: everything is checked here before it gets there.
 */
import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { AnswerHead } from '../proxy/agent-stream.ts';
import { type Refusal, refusal } from '../proxy/answer.ts';
import { isSendableTarget, isSendableValue, isToken } from '../wire/field-syntax.ts';
import { type Framing, requestFraming } from '../wire/frame-body.ts';
import { type Header, headerValue, type RequestHead, type ResponseHead } from '../wire/head.ts';
import { isForbiddenTrailer } from '../wire/hop-by-hop.ts';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';

/** Names and values in turn, in the order received. node:http2 gives them beside the object that it makes of them. */
export type RawFields = readonly string[];

/** A listener of node:http2 for a field section; its types leave the last parameter out. */
export type FieldsListener = (fields: IncomingHttpHeaders, flags: number, raw: RawFields) => void;

/** Fields that are about one connection: a message with one is malformed (RFC 9113 8.2.2). */
const connectionSpecific = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Fields that node:http2 sends once or not at all. */
const singular = new Set(
  `access-control-allow-credentials access-control-max-age access-control-request-method age authorization
  content-encoding content-language content-length content-location content-md5 content-range content-type date dnt etag
  expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location
  max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent
  x-content-type-options`.split(/\s+/),
);

const httpsPort = 443;

/**
 * The head of a request as HTTP/1.1 would have it: `:authority` as the one Host, several Cookie fields as one (RFC 9113
 * 8.2.3), the target of `:path`. A refusal for pseudo-header fields that are missing or not for https, connection-specific
 * fields, a Host that is not `:authority`, a TE other than trailers, and fields that mean one thing and come twice.
 */
export function requestHeadOf(raw: RawFields): { readonly kind: 'head'; readonly head: RequestHead } | Refusal {
  const pseudo = new Map<string, string>();
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    if (name.startsWith(':')) {
      if (pseudo.has(name)) return malformed(`${name} is there more than once`);
      pseudo.set(name, value);
    } else headers.push({ name, rawName: name, value });
  }
  const fault = pseudoFault(pseudo) ?? fieldFault(headers);
  if (fault !== undefined) return malformed(fault);
  const host = hostOf(pseudo.get(':authority'), headers);
  if (typeof host !== 'string') return host;
  const others = headers.filter(({ name }) => name !== 'host');
  return {
    kind: 'head',
    head: {
      method: pseudo.get(':method') ?? '',
      target: pseudo.get(':path') ?? '',
      minor: 1,
      headers: [{ name: 'host', rawName: 'Host', value: host }, ...withOneCookie(others)],
    },
  };
}

function malformed(detail: string): Refusal {
  return refusal('BAD_REQUEST', `The request is malformed: ${detail}.`);
}

function pseudoFault(pseudo: ReadonlyMap<string, string>): string | undefined {
  const method = pseudo.get(':method');
  if (method === undefined || !isToken(method)) return ':method is missing or not a method';
  // Refused by its method, as the story does it; it has neither scheme nor path (RFC 9113 8.5).
  if (method === 'CONNECT' && !pseudo.has(':protocol')) return undefined;
  if (pseudo.has(':protocol')) return ':protocol is not served';
  if (pseudo.get(':scheme') !== 'https') return ':scheme is not https';
  return pseudo.has(':path') ? undefined : ':path is missing';
}

function fieldFault(headers: readonly Header[]): string | undefined {
  const seen = new Set<string>();
  for (const { name, value } of headers) {
    if (!isToken(name) || name !== name.toLowerCase()) return 'a field name is not in lower case or no token';
    if (!isSendableValue(value)) return `the value of ${name} has a control byte`;
    if (connectionSpecific.has(name)) return `${name} may not stand in HTTP/2`;
    if (name === 'te' && value.toLowerCase() !== 'trailers') return 'te is not just trailers';
    if (singular.has(name) && seen.has(name)) return `${name} is there more than once`;
    seen.add(name);
  }
  return undefined;
}

/** `:authority`, or Host where a client sends that alone; both only when they say the same (RFC 9113 8.3.1). */
function hostOf(authority: string | undefined, headers: readonly Header[]): string | Refusal {
  const host = headerValue(headers, 'host');
  if (authority === undefined) return host ?? malformed('there is neither :authority nor Host');
  if (host === undefined || host === authority) return authority;
  const [one, other] = [parseAuthority(authority, httpsPort), parseAuthority(host, httpsPort)];
  const isSame =
    one.kind === 'authority' && other.kind === 'authority' && one.host === other.host && one.port === other.port;
  return isSame ? authority : refusal('MISDIRECTED', 'The Host header names another host or port than :authority.');
}

function withOneCookie(headers: readonly Header[]): readonly Header[] {
  const cookies = headers.filter(({ name }) => name === 'cookie');
  if (cookies.length < 2) return headers;
  const value = cookies.map((cookie) => cookie.value).join('; ');
  return [...headers.filter(({ name }) => name !== 'cookie'), { name: 'cookie', rawName: 'cookie', value }];
}

/** How the payload of a request is delimited: by its length, or by the end of its stream. Faults as `requestFraming`. */
export function payloadFraming(head: RequestHead, isEnded: boolean): Framing | WireFault {
  const declared = requestFraming(head);
  if (declared.kind === 'fault') return declared;
  if (isEnded) return { kind: 'none' };
  return declared.kind === 'length' ? declared : { kind: 'chunked' };
}

/** The head of an answer, interim ones too. Undefined when its status is none. */
export function responseHeadOf(raw: RawFields): ResponseHead | undefined {
  const at = raw.indexOf(':status');
  const status = Number(raw[at + 1]);
  if (at === -1 || !/^[1-9][0-9]{2}$/.test(raw[at + 1] ?? '')) return undefined;
  return { status, reason: '', minor: 1, headers: fieldsOf(raw) };
}

/** Trailer fields, without those that may not come there (RFC 9110 6.5.1). */
export function trailersOf(raw: RawFields): readonly Header[] {
  return fieldsOf(raw).filter(({ name }) => !isForbiddenTrailer(name));
}

function fieldsOf(raw: RawFields): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (!name.startsWith(':')) headers.push({ name, rawName: name, value: raw[at + 1] as string });
  }
  return headers;
}

/**
 * A request to send. The first Host among the headers becomes `:authority`; that trailers are welcome is said in any case,
 * for some gRPC servers insist on it. Throws a RangeError, without quoting anything, as `writeRequestHead` does.
 */
export function requestFields(
  method: string,
  target: string,
  headers: readonly Header[],
  framing: Framing,
): OutgoingHttpHeaders {
  if (!isToken(method)) throw new RangeError('the method is not a token');
  if (!isSendableTarget(target)) throw new RangeError('the request target is not visible ASCII');
  const authority = headerValue(headers, 'host') ?? '';
  if (!isSendableTarget(authority)) throw new RangeError('the authority is not visible ASCII');
  const pseudo = { ':method': method, ':scheme': 'https', ':authority': authority, ':path': target };
  const others = headers.filter(({ name }) => name !== 'host');
  return { ...pseudo, ...sendable(others, framing), te: 'trailers' };
}

/** An answer to send; only the framing says its length. Throws a RangeError as `writeResponseHead` does. */
export function answerFields({ status, headers }: AnswerHead, framing: Framing): OutgoingHttpHeaders {
  const named = headers.map((header) =>
    'rawName' in header ? header : { name: header[0].toLowerCase(), rawName: header[0], value: header[1] },
  );
  const keepsLength = framing.kind === 'none' && status >= 200 && status !== 204;
  return { ':status': status, ...sendable(named, framing, keepsLength) };
}

/** Trailers to send. Throws a RangeError as the others do. */
export function trailerFields(trailers: readonly Header[]): OutgoingHttpHeaders {
  return sendable(trailers, { kind: 'none' });
}

/** Of a field that is sent once the first counts: in a request there is no second. */
function sendable(headers: readonly Header[], framing: Framing, keepsLength = false): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const { name, value } of headers) {
    if (connectionSpecific.has(name) || (name === 'content-length' && !keepsLength)) continue;
    if (!isToken(name)) throw new RangeError('a header name is not a token');
    if (!isSendableValue(value)) throw new RangeError('a header value has a control byte');
    const known = fields[name];
    if (known === undefined) fields[name] = value;
    else if (!singular.has(name)) fields[name] = Array.isArray(known) ? [...known, value] : [known, value];
  }
  if (framing.kind === 'length') fields['content-length'] = String(framing.lengthBytes);
  return fields;
}
