/**
 * Heads of requests and responses, by RFC 9112 2-5 and stricter than it where it leaves a choice: an octet that two
 * parsers could read in two ways is a fault, never repaired.
 */
import { type WireFault, wireFault } from '@onecli/shared/wire/wire-fault';
import { BLANK_OCTETS, TARGET_OCTETS, TOKEN_OCTETS, VALUE_OCTETS } from './field-syntax.ts';
import { fieldNameAt } from './field-name.ts';
import { ParsedHeader } from './head.ts';
import type { Header, HeadLimits, Parsed, RequestHead, ResponseHead } from './head.ts';

const HTAB = 9;
const LF = 10;
const CR = 13;
const SP = 32;
const COLON = 58;
/** Stands for the end of the bytes: a member of no table. */
const END = 0;
const LETTER_H = 72;
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

/**
 * Parses a request head at the start of `bytes`. `resumeFrom` is what an earlier `incomplete` gave.
 *
 * One empty line ahead of the request line is passed over (RFC 9112 2.2). Methods with a lower-case letter are refused
 * although they are tokens: some servers read `delete` as DELETE, and then policy and upstream would disagree.
 */
export function parseRequestHead(bytes: Buffer, limits: HeadLimits, resumeFrom = 0): Parsed<RequestHead> {
  const start = requestStart(bytes);
  if (typeof start !== 'number') return start;
  const end = findHeadEnd(bytes, Math.max(start, resumeFrom), limits);
  if (typeof end !== 'number') return end;
  const text = bytes.toString('latin1', 0, end + 4);
  const line = parseRequestLine(bytes, text, start);
  if (line.kind === 'fault') return line;
  const headers = parseFields(bytes, text, line.next, end + 2, limits.maxHeaders);
  if (!Array.isArray(headers)) return headers;
  const head = { method: line.method, target: line.target, minor: line.minor, headers };
  return { kind: 'head', head, consumedBytes: end + 4 };
}

/**
 * Parses a response head at the start of `bytes`. `resumeFrom` is what an earlier `incomplete` gave.
 *
 * A status line without the space ahead of an empty reason is accepted, as all clients do. Status codes 100 to 999.
 */
export function parseResponseHead(bytes: Buffer, limits: HeadLimits, resumeFrom = 0): Parsed<ResponseHead> {
  if (bytes.length > 0 && bytes[0] !== LETTER_H) {
    return wireFault('BAD_STATUS_LINE', 'the status line does not start with HTTP');
  }
  const end = findHeadEnd(bytes, resumeFrom, limits);
  if (typeof end !== 'number') return end;
  const text = bytes.toString('latin1', 0, end + 4);
  const line = parseStatusLine(text);
  if (line.kind === 'fault') return line;
  const headers = parseFields(bytes, text, line.next, end + 2, limits.maxHeaders);
  if (!Array.isArray(headers)) return headers;
  const head = { status: line.status, reason: line.reason, minor: line.minor, headers };
  return { kind: 'head', head, consumedBytes: end + 4 };
}

/**
 * Parses the field lines of `bytes` from `from` up to `stop`, where the last line must end in CRLF. `text` is the same octets
 * as latin1, from the same start. Gives the fields, or a fault for: obs-fold, whitespace around a name, an empty name, a
 * control byte, a bare CR or LF, more than `maxHeaders` lines.
 */
export function parseFields(
  bytes: Buffer,
  text: string,
  from: number,
  stop: number,
  maxHeaders: number,
): Header[] | WireFault {
  const headers: Header[] = [];
  let at = from;
  while (at < stop) {
    const nameStart = at;
    at = skip(bytes, at, TOKEN_OCTETS);
    if (at === nameStart || bytes[at] !== COLON) return nameFault(bytes[at], at === nameStart);
    const { name, rawName, isHopByHop } = fieldNameAt(bytes, nameStart, at);
    const valueStart = skip(bytes, at + 1, BLANK_OCTETS);
    at = skip(bytes, valueStart, VALUE_OCTETS);
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      return wireFault('BAD_HEADER', 'a header value has a control byte or a bare CR or LF');
    }
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--;
    if (headers.length === maxHeaders) return wireFault('TOO_MANY_HEADERS', `more than ${maxHeaders} headers`);
    headers.push(new ParsedHeader(name, rawName, text.slice(valueStart, valueEnd), isHopByHop));
    at += 2;
  }
  return headers;
}

/** The index of the first octet from `from` on that is not in `table`. */
function skip(bytes: Buffer, from: number, table: Uint8Array): number {
  let at = from;
  while (table[bytes[at] ?? END] === 1) at++;
  return at;
}

/** Tells whether there is an LF without its CR in `bytes` from `from` on. */
export function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  let at = bytes.indexOf(LF, from);
  while (at !== -1) {
    if (at === 0 || bytes[at - 1] !== CR) return true;
    at = bytes.indexOf(LF, at + 1);
  }
  return false;
}

function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB;
}

function nameFault(octet: number | undefined, isEmpty: boolean): WireFault {
  if (isEmpty && isBlank(octet)) return wireFault('BAD_HEADER', 'a header is folded over two lines');
  if (isEmpty && octet === COLON) return wireFault('BAD_HEADER', 'a header has no name');
  if (isBlank(octet)) return wireFault('BAD_HEADER', 'there is whitespace in or after a header name');
  return wireFault('BAD_HEADER', 'a header name is not a token followed by a colon');
}

/** Where the request line starts, or the verdict when that is already clear. */
function requestStart(bytes: Buffer): number | Parsed<never> {
  const first = bytes[0];
  if (first === undefined) return { kind: 'incomplete', resumeFrom: 0 };
  if (TOKEN_OCTETS[first] === 1) return 0;
  if (first !== CR) return wireFault('BAD_REQUEST_LINE', 'the request does not start with a method');
  if (bytes.length > 1 && bytes[1] !== LF) return wireFault('BAD_REQUEST_LINE', 'there is a bare CR');
  const second = bytes[2];
  if (second === undefined) return { kind: 'incomplete', resumeFrom: 0 };
  return TOKEN_OCTETS[second] === 1 ? 2 : wireFault('BAD_REQUEST_LINE', 'the request does not start with a method');
}

/** The index of the CRLFCRLF that ends the head, or the verdict while there is none. */
function findHeadEnd(bytes: Buffer, from: number, limits: HeadLimits): number | Parsed<never> {
  const { maxHeadBytes } = limits;
  const window = bytes.length > maxHeadBytes ? bytes.subarray(0, maxHeadBytes) : bytes;
  const end = window.indexOf(HEAD_END, from);
  if (end !== -1) return end;
  // An LF alone would never complete the head: say so now and not when a timer ends the wait.
  if (hasBareLineFeed(window, from)) return wireFault('BAD_HEADER', 'there is a bare LF in the head');
  if (bytes.length >= maxHeadBytes) return wireFault('HEAD_TOO_LARGE', `the head is over ${maxHeadBytes} bytes`);
  return { kind: 'incomplete', resumeFrom: Math.max(0, bytes.length - 3) };
}

interface RequestLine {
  readonly kind: 'line';
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly next: number;
}

function parseRequestLine(bytes: Buffer, text: string, start: number): RequestLine | WireFault {
  const methodEnd = skip(bytes, start, TOKEN_OCTETS);
  if (bytes[methodEnd] !== SP) return wireFault('BAD_REQUEST_LINE', 'the method is not a token followed by one space');
  const method = text.slice(start, methodEnd);
  if (/[a-z]/.test(method)) return wireFault('BAD_REQUEST_LINE', 'the method is not in upper case');
  let at = skip(bytes, methodEnd + 1, TARGET_OCTETS);
  if (at === methodEnd + 1) return wireFault('BAD_REQUEST_LINE', 'there is no request target after one space');
  const target = text.slice(methodEnd + 1, at);
  if (bytes[at] === CR && bytes[at + 1] === LF) return wireFault('BAD_VERSION', 'the request line has no version');
  if (bytes[at] !== SP) return wireFault('BAD_REQUEST_LINE', 'the request target is not visible ASCII');
  const minor = parseVersion(text, at + 1);
  if (typeof minor !== 'number') return minor;
  at += 9;
  if (bytes[at] !== CR || bytes[at + 1] !== LF) {
    return wireFault('BAD_REQUEST_LINE', 'the request line does not end after the version');
  }
  return { kind: 'line', method, target, minor, next: at + 2 };
}

interface StatusLine {
  readonly kind: 'line';
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly next: number;
}

function parseStatusLine(text: string): StatusLine | WireFault {
  const minor = parseVersion(text, 0);
  if (typeof minor !== 'number') return minor;
  const [hundreds, tens, ones] = [digitAt(text, 9), digitAt(text, 10), digitAt(text, 11)];
  if (text.charCodeAt(8) !== SP || hundreds < 1 || tens < 0 || ones < 0) {
    return wireFault('BAD_STATUS_LINE', 'the status is not three digits after one space');
  }
  const hasReason = text.charCodeAt(12) === SP;
  let at = hasReason ? 13 : 12;
  const reasonStart = at;
  while (hasReason && VALUE_OCTETS[text.charCodeAt(at)] === 1) at++;
  if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
    return wireFault('BAD_STATUS_LINE', 'the status line does not end after the reason');
  }
  const status = hundreds * 100 + tens * 10 + ones;
  return { kind: 'line', status, reason: text.slice(reasonStart, at), minor, next: at + 2 };
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

function parseVersion(text: string, at: number): 0 | 1 | WireFault {
  if (!text.startsWith('HTTP/1.', at)) return wireFault('BAD_VERSION', 'the version is not HTTP/1.0 or HTTP/1.1');
  const minor = text.charCodeAt(at + 7) - 48;
  return minor === 0 || minor === 1 ? minor : wireFault('BAD_VERSION', 'the version is not HTTP/1.0 or HTTP/1.1');
}
