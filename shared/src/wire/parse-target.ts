/**
 * Request targets (RFC 9112 3.2), and the ways in which an upstream may read a path. The target is forwarded as it came;
 * policy has to allow every reading of it. What has too many readings is a fault.
 */
import { type WireFault, wireFault } from './wire-fault.ts';
import { parseAuthority } from './parse-authority.ts';
import type { Authority } from './parse-authority.ts';

export interface OriginTarget {
  readonly kind: 'origin';
  /** As received: this is what goes to the upstream. */
  readonly path: string;
  /** As received, without the question mark. */
  readonly query: string | undefined;
  /**
   * The path in each way an upstream may read it, without duplicates; usually just `[path]`. Escapes in readings are in
   * upper case, and stand only for what cannot stand raw in a path (RFC 3986 3.3).
   */
  readonly readings: string[];
}

export interface AbsoluteTarget {
  readonly kind: 'absolute';
  readonly scheme: 'http' | 'https';
  readonly authority: Authority;
  /** Path and query, to be given to `parseTarget`. */
  readonly origin: string;
}

const PERCENT = 37;
const DOT = 46;
const SLASH = 47;
const QUESTION = 63;
const MAX_ENCODINGS = 4;

/** What a path may have raw and everyone reads alike: pchar of RFC 3986 3.3 and the slash, without the semicolon. */
const PLAIN_OCTETS: Uint8Array = Uint8Array.from({ length: 128 }, (_, octet) =>
  /[A-Za-z0-9\-._~!$&'()*+,=:@/]/.test(String.fromCharCode(octet)) ? 1 : 0,
);

/**
 * Parses an origin-form target. Faults with `BAD_TARGET`: another form; dot segments in any encoding, however often
 * encoded, and with path parameters (`/..;x/`); a backslash or a control byte in the path, raw or encoded; a raw
 * backslash, a fragment or a bad escape anywhere; a path whose octets are not UTF-8 (overlong forms hide dots and slashes).
 * Escaped backslashes and control bytes are data in a query and pass.
 */
export function parseTarget(target: string): OriginTarget | WireFault {
  if (target.charCodeAt(0) !== SLASH) return wireFault('BAD_TARGET', 'the target does not start with a slash');
  let pathEnd = -1;
  let isPlain = true;
  let previous = 0;
  for (let at = 0; at < target.length; at++) {
    const octet = target.charCodeAt(at);
    if (octet <= 32 || octet >= 127 || octet === 35 || octet === 92) {
      return wireFault('BAD_TARGET', 'the target has a backslash, a fragment or a byte that is not visible ASCII');
    }
    if (octet === PERCENT && !isEscape(target, at)) return wireFault('BAD_TARGET', 'the target has a bad escape');
    if (pathEnd !== -1) continue;
    if (octet === QUESTION) pathEnd = at;
    else if (PLAIN_OCTETS[octet] !== 1) isPlain = false;
    else if (previous === SLASH && (octet === SLASH || octet === DOT)) isPlain = false;
    previous = octet;
  }
  const path = pathEnd === -1 ? target : target.slice(0, pathEnd);
  const query = pathEnd === -1 ? undefined : target.slice(pathEnd + 1);
  if (isPlain) return { kind: 'origin', path, query, readings: [path] };
  const readings = readingsOf(path);
  return Array.isArray(readings) ? { kind: 'origin', path, query, readings } : readings;
}

/**
 * Parses an absolute-form target of scheme http or https. `origin` is its path and query, `/` when it has no path; it is
 * not yet checked. Faults: `BAD_TARGET` for another form, `BAD_AUTHORITY` as `parseAuthority`.
 */
export function parseAbsoluteTarget(target: string): AbsoluteTarget | WireFault {
  const schemeEnd = target.indexOf('://');
  const scheme = target.slice(0, Math.max(0, schemeEnd)).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return wireFault('BAD_TARGET', 'the target is no http or https URL');
  const start = schemeEnd + 3;
  let end = start;
  while (end < target.length && target.charCodeAt(end) !== SLASH && target.charCodeAt(end) !== QUESTION) end++;
  const authority = parseAuthority(target.slice(start, end), scheme === 'http' ? 80 : 443);
  if (authority.kind === 'fault') return authority;
  const rest = target.slice(end);
  return { kind: 'absolute', scheme, authority, origin: rest.startsWith('/') ? rest : `/${rest}` };
}

function readingsOf(path: string): string[] | WireFault {
  const levels = decodings(path);
  if (!Array.isArray(levels)) return levels;
  const raw = path.replace(ESCAPE, (escape) => escape.toUpperCase());
  const once = path.replace(ESCAPE, (escape) => (escape.toUpperCase() === '%2F' ? '%2F' : decodeEscape(escape)));
  const readings = new Set([raw, canonical(once, true), ...levels.map((level) => canonical(level, false))]);
  // These loops also visit what they add, and end since what they add does not change again.
  for (const reading of readings) readings.add(withoutParameters(reading));
  // Parameters that are cut off ahead of decoding: an escaped semicolon is then data.
  const cut = decodings(withoutParameters(path));
  if (!Array.isArray(cut)) return cut;
  for (const level of cut) readings.add(canonical(level, false));
  for (const reading of readings) readings.add(reading.replace(UNWISE_ESCAPE, decodeEscape));
  for (const reading of readings) readings.add(reading.replace(/\/{2,}/g, '/'));
  return [...readings];
}

/** The octets of the path decoded once, twice and so on until nothing changes, each one checked; or a fault. */
function decodings(path: string): string[] | WireFault {
  const levels: string[] = [];
  let level = path;
  for (;;) {
    const fault = hiddenSyntax(level);
    if (fault !== undefined) return fault;
    const next = level.replace(ESCAPE, decodeEscape);
    if (!isUtf8(next)) return wireFault('BAD_TARGET', 'the path is not UTF-8');
    if (next === level) return levels;
    if (levels.length === MAX_ENCODINGS) return wireFault('BAD_TARGET', 'the path is encoded too many times');
    levels.push(next);
    level = next;
  }
}

function hiddenSyntax(octets: string): WireFault | undefined {
  if (/[\0-\x1f\x7f\\]/.test(octets))
    return wireFault('BAD_TARGET', 'the path has an encoded control byte or backslash');
  if (/(?:^|\/)\.{1,2}(?:;[^/]*)?(?:\/|$)/.test(octets)) return wireFault('BAD_TARGET', 'the path has a dot segment');
  return undefined;
}

/** Visible ASCII that RFC 3986 allows nowhere, that many send raw all the same, and that servers then take as if escaped. */
const UNWISE_ESCAPE = /%(?:22|3C|3E|5B|5D|5E|60|7B|7C|7D)/g;
const ESCAPE = /%[0-9a-fA-F]{2}/g;

function decodeEscape(escape: string): string {
  return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
}

/** RFC 3986 6.2.2: raw where a path may have the octet raw, otherwise escaped in upper case. */
function canonical(octets: string, keepsEscapedSlash: boolean): string {
  const text = keepsEscapedSlash ? octets.split('%2F') : [octets];
  return text.map((part) => part.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g, encodeOctet)).join('%2F');
}

function encodeOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '');
}

/** Whether the octets survive being read as UTF-8; overlong forms and stray bytes do not. */
function isUtf8(octets: string): boolean {
  const bytes = Buffer.from(octets, 'latin1');
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

function isEscape(target: string, at: number): boolean {
  return isHexDigit(target.charCodeAt(at + 1)) && isHexDigit(target.charCodeAt(at + 2));
}

function isHexDigit(octet: number): boolean {
  const lower = octet | 32;
  return (octet >= 48 && octet <= 57) || (lower >= 97 && lower <= 102);
}
