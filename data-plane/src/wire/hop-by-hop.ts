import { type Header, ParsedHeader } from './head.ts';

/** Fields that are about one connection (RFC 9110 7.6.1), with the forms that are seen though no RFC has them. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Fields that Connection cannot take out. They say whom a message is for, who sends it, how it is framed or what it means;
 * a sender must not list them (RFC 9110 7.6.1), and whoever does wants two parties to see two messages.
 */
const NOT_STRIPPABLE: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'range',
  'set-cookie',
]);

/** Fields that must not come in trailers: framing, routing, authentication, how to read the content (RFC 9110 6.5.1). */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...NOT_STRIPPABLE,
  'age',
  'content-location',
  'date',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'retry-after',
  'vary',
  'warning',
  'www-authenticate',
]);

/**
 * Gives the fields that go on to the next hop: without Connection and what it names, Keep-Alive, TE, Trailer,
 * Transfer-Encoding, Upgrade, all `Proxy-*` and all `X-OneCLI-*`. Fields that give a message its meaning (`NOT_STRIPPABLE`)
 * stay even when Connection names them. Content-Length stays too: the writer replaces it by the framing it is given.
 */
export function withoutHopByHop(headers: readonly Header[]): Header[] {
  const named = namedByConnection(headers);
  const kept: Header[] = [];
  for (const header of headers) {
    if (header instanceof ParsedHeader ? header.isHopByHop : isHopByHop(header.name)) continue;
    if (named?.has(header.name) && !NOT_STRIPPABLE.has(header.name)) continue;
    kept.push(header);
  }
  return kept;
}

/** Tells whether the field called `name` (lower case) is dropped from trailers. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN_TRAILERS.has(name) || isOurs(name);
}

/** Tells whether the field called `name` (lower case) never goes on to the next hop. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name) || isOurs(name);
}

function isOurs(name: string): boolean {
  return name.startsWith('proxy-') || name.startsWith('x-onecli-');
}

function namedByConnection(headers: readonly Header[]): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (const { name, value } of headers) {
    if (name !== 'connection' || value === 'keep-alive' || value === 'close') continue;
    named ??= new Set();
    for (const option of value.split(',')) named.add(option.trim().toLowerCase());
  }
  return named;
}

/** Whether Connection, in any of its fields, says that the sender closes after this message (RFC 9112 9.6). */
export function isCloseAsked(headers: readonly Header[]): boolean {
  for (const { name, value } of headers) {
    if (name === 'connection' && /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)) return true;
  }
  return false;
}
