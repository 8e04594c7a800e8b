/**
 * The vocabulary of the codec: message heads, and the faults that a peer's bytes can have.
 *
 * The codec is sans-IO: functions of bytes and values. All text is latin1, one character per octet (RFC 9110 5.5), so
 * that what was read can be written again byte for byte.
 */
import { type WireFault, wireFault } from '@onecli/shared/wire/wire-fault';

/** One field line. `rawName` keeps the sender's letter case for re-emission; compare by `name`. */
export interface Header {
  /** Lower case. */
  readonly name: string;
  readonly rawName: string;
  /** Without the optional whitespace around it. Latin1. */
  readonly value: string;
}

/**
 * A field as a peer sent it, made by the parser alone: its octets have been checked, and may be sent again as they are.
 * Whoever changes one makes a plain object of it, which is checked when it is sent.
 */
export class ParsedHeader implements Header {
  readonly name: string;
  readonly rawName: string;
  readonly value: string;
  readonly #isHopByHop: boolean;

  constructor(name: string, rawName: string, value: string, isHopByHop: boolean) {
    this.name = name;
    this.rawName = rawName;
    this.value = value;
    this.#isHopByHop = isHopByHop;
  }

  /** It never goes on to the next hop. */
  get isHopByHop(): boolean {
    return this.#isHopByHop;
  }
}

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly headers: readonly Header[];
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly headers: readonly Header[];
}

export interface HeadLimits {
  /** Of the whole head: start line, fields, the empty line, and an empty line ahead of it. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
}

/**
 * What a head parser found. After `incomplete` call it again with all bytes so far and `resumeFrom`, so that nothing is
 * searched twice. After `head` the bytes from `consumedBytes` on are body or the next message.
 */
export type Parsed<T> =
  | { readonly kind: 'incomplete'; readonly resumeFrom: number }
  | { readonly kind: 'head'; readonly head: T; readonly consumedBytes: number }
  | WireFault;

/** Gives the value of the first field called `name` (lower case), or undefined. */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  for (const header of headers) if (header.name === name) return header.value;
  return undefined;
}

/** Gives the values of all fields called `name` (lower case), in the order received. */
export function headerValues(headers: readonly Header[], name: string): string[] {
  const values: string[] = [];
  for (const header of headers) if (header.name === name) values.push(header.value);
  return values;
}

/**
 * Gives the value of the one Host field (RFC 9112 3.2). Faults: `MISSING_HOST` when there is none (a caller may let
 * HTTP/1.0 and CONNECT go without), `BAD_HOST` when there is more than one or an empty one. The value is not yet
 * checked: give it to `parseAuthority`.
 */
export function singleHost(head: RequestHead): string | WireFault {
  let host: string | undefined;
  for (const header of head.headers) {
    if (header.name !== 'host') continue;
    if (host !== undefined) return wireFault('BAD_HOST', 'there is more than one Host header');
    host = header.value;
  }
  if (host === undefined) return wireFault('MISSING_HOST', 'there is no Host header');
  if (host === '') return wireFault('BAD_HOST', 'the Host header is empty');
  return host;
}
