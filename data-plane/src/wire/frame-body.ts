/**
 * Where a body ends, by RFC 9112 6 and 7. Whatever two parties could frame in two ways is a fault. We re-emit every
 * message in our own framing, so none of the peer's framing is ever passed on.
 */
import { type WireFault, wireFault } from '@onecli/shared/wire/wire-fault';
import { VALUE_OCTETS } from './field-syntax.ts';
import type { Header, RequestHead, ResponseHead } from './head.ts';
import { isForbiddenTrailer } from './hop-by-hop.ts';
import { hasBareLineFeed, parseFields } from './parse-head.ts';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly lengthBytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const CLOSE: Framing = { kind: 'close' };

/**
 * Gives the framing of a request's body (RFC 9112 6.3): never `close`. Faults with `BAD_FRAMING`: Content-Length with
 * Transfer-Encoding, either of them twice, a length that is not plain decimal up to 2^53-1, a coding other than exactly
 * chunked, Transfer-Encoding on HTTP/1.0, and a body on CONNECT or on an Upgrade, whose end the next bytes' meaning hangs on.
 */
export function requestFraming(head: RequestHead): Framing | WireFault {
  const framing = declaredFraming(head.headers, head.minor);
  if (framing === undefined) return NONE;
  if (framing.kind === 'fault' || (framing.kind === 'length' && framing.lengthBytes === 0)) return framing;
  if (head.method === 'CONNECT') return wireFault('BAD_FRAMING', 'a CONNECT request has a body');
  for (const header of head.headers) {
    if (header.name === 'upgrade') return wireFault('BAD_FRAMING', 'a request to upgrade has a body');
  }
  return framing;
}

/**
 * Gives the framing of the body of a response to `requestMethod` (RFC 9112 6.3). HEAD, 1xx, 204, 304 and a 2xx to CONNECT have
 * none, whatever their headers say; bytes that follow such a head are not part of it. No framing header means `close`.
 * Faults as for requests, for equal duplicates of Content-Length too.
 */
export function responseFraming(head: ResponseHead, requestMethod: string): Framing | WireFault {
  const framing = declaredFraming(head.headers, head.minor);
  if (framing?.kind === 'fault') return framing;
  const { status } = head;
  if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return NONE;
  if (requestMethod === 'CONNECT' && status < 300) return NONE;
  return framing ?? CLOSE;
}

function declaredFraming(headers: readonly Header[], minor: 0 | 1): Framing | WireFault | undefined {
  let length: string | undefined;
  let coding: string | undefined;
  for (const { name, value } of headers) {
    if (name === 'content-length') {
      if (length !== undefined) return wireFault('BAD_FRAMING', 'there is more than one Content-Length');
      length = value;
    } else if (name === 'transfer-encoding') {
      if (coding !== undefined) return wireFault('BAD_FRAMING', 'there is more than one Transfer-Encoding');
      coding = value;
    }
  }
  if (coding === undefined) return length === undefined ? undefined : lengthFraming(length);
  if (length !== undefined) return wireFault('BAD_FRAMING', 'there are both Content-Length and Transfer-Encoding');
  if (minor === 0) return wireFault('BAD_FRAMING', 'there is a Transfer-Encoding in HTTP/1.0');
  // Names of codings are case-insensitive (RFC 9112 7), and it is never this text that we send on.
  if (coding.toLowerCase() !== 'chunked') return wireFault('BAD_FRAMING', 'the Transfer-Encoding is not just chunked');
  return CHUNKED;
}

function lengthFraming(text: string): Framing | WireFault {
  const fault = wireFault('BAD_FRAMING', 'the Content-Length is not a plain decimal number in range');
  if (text.length === 0 || text.length > 16) return fault;
  for (let at = 0; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if (octet < 48 || octet > 57) return fault;
  }
  // A leading zero makes some parsers read octal.
  if (text.length > 1 && text.charCodeAt(0) === 48) return fault;
  const lengthBytes = Number(text);
  return Number.isSafeInteger(lengthBytes) ? { kind: 'length', lengthBytes } : fault;
}

export interface BodyLimits {
  /** Of the whole trailer section. */
  readonly maxTrailerBytes: number;
  /** Of all chunk extensions of one body together. */
  readonly maxChunkExtensionBytes: number;
  readonly maxTrailers: number;
}

const defaultLimits: BodyLimits = { maxTrailerBytes: 8192, maxChunkExtensionBytes: 4096, maxTrailers: 32 };

export type BodyRead =
  | {
      readonly kind: 'body';
      /** Views of the bytes fed, in order. */
      readonly chunks: Buffer[];
      readonly done: boolean;
      /** How many of the bytes fed belong to this body. The others are the next message's. */
      readonly consumedBytes: number;
    }
  | WireFault;

type ChunkStep = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const MAX_SIZE_DIGITS = 16;
const TRAILERS_END = Buffer.from('\r\n\r\n', 'latin1');
const NO_BYTES = Buffer.alloc(0);

/** Reads one body as its bytes arrive. Holds no payload; of a chunked body it holds at most the trailers. */
export class BodyReader {
  readonly #framing: Framing;
  readonly #limits: BodyLimits;
  #isDone: boolean;
  #fault: WireFault | undefined;
  #left = 0;
  #step: ChunkStep = 'size';
  #sizeDigits = 0;
  #extensionBytes = 0;
  #trailerBytes: Buffer = NO_BYTES;
  #trailers: readonly Header[] = [];

  /** Takes what `requestFraming` or `responseFraming` gave. */
  constructor(framing: Framing, limits: Partial<BodyLimits> = defaultLimits) {
    this.#framing = framing;
    this.#limits = limits === defaultLimits ? defaultLimits : { ...defaultLimits, ...limits };
    if (framing.kind === 'length') this.#left = framing.lengthBytes;
    this.#isDone = framing.kind === 'none' || (framing.kind === 'length' && framing.lengthBytes === 0);
  }

  /** True once the whole body was read; at once when there is none. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The trailers of a chunked body once it is done, without those that RFC 9110 6.5.1 forbids there. */
  get trailers(): readonly Header[] {
    return this.#trailers;
  }

  /** Takes the next bytes off the connection. After a fault it gives that fault for ever. */
  read(bytes: Buffer): BodyRead {
    if (this.#fault !== undefined) return this.#fault;
    if (this.#isDone) return { kind: 'body', chunks: [], done: true, consumedBytes: 0 };
    if (this.#framing.kind === 'chunked') return this.#readChunked(bytes);
    if (bytes.length === 0) return { kind: 'body', chunks: [], done: false, consumedBytes: 0 };
    if (this.#framing.kind === 'close') {
      return { kind: 'body', chunks: [bytes], done: false, consumedBytes: bytes.length };
    }
    const payload = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= payload.length;
    this.#isDone = this.#left === 0;
    return { kind: 'body', chunks: [payload], done: this.#isDone, consumedBytes: payload.length };
  }

  /** The peer ended its side. Only a close-delimited body and one that was done are complete; others are truncated. */
  end(): { readonly kind: 'complete' } | WireFault {
    if (this.#fault !== undefined) return this.#fault;
    if (!this.#isDone && this.#framing.kind !== 'close') {
      return wireFault('TRUNCATED', 'the connection ended before the body did');
    }
    this.#isDone = true;
    return { kind: 'complete' };
  }

  #readChunked(bytes: Buffer): BodyRead {
    const chunks: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && !this.#isDone) {
      if (this.#step === 'data') {
        const payload = bytes.subarray(at, at + this.#left);
        chunks.push(payload);
        at += payload.length;
        this.#left -= payload.length;
        if (this.#left === 0) this.#step = 'data-cr';
      } else if (this.#step === 'trailers') {
        at += this.#readTrailers(bytes.subarray(at));
      } else {
        this.#readFramingOctet(bytes.readUInt8(at++));
      }
      if (this.#fault !== undefined) return this.#fault;
    }
    return { kind: 'body', chunks, done: this.#isDone, consumedBytes: at };
  }

  #readFramingOctet(octet: number): void {
    switch (this.#step) {
      case 'size':
        return this.#readSizeOctet(octet);
      case 'extension':
        return this.#readExtensionOctet(octet);
      case 'size-lf':
        if (octet !== LF) return this.#fail('a chunk size line does not end in CRLF');
        this.#step = this.#left === 0 ? 'trailers' : 'data';
        return;
      case 'data-cr':
        if (octet !== CR) return this.#fail('a chunk is longer than its size');
        this.#step = 'data-lf';
        return;
      case 'data-lf':
        if (octet !== LF) return this.#fail('a chunk does not end in CRLF');
        this.#step = 'size';
        this.#sizeDigits = 0;
        return;
      case 'data':
      case 'trailers':
        return;
    }
  }

  /** 1*HEXDIG, then at once CR or the semicolon of an extension: no sign, no `0x`, no whitespace (RFC 9112 7.1). */
  #readSizeOctet(octet: number): void {
    const digit = hexDigit(octet);
    if (digit !== -1) {
      const size = this.#left * 16 + digit;
      if (++this.#sizeDigits > MAX_SIZE_DIGITS || !Number.isSafeInteger(size)) {
        return this.#fail('a chunk size is out of range');
      }
      this.#left = size;
    } else if (this.#sizeDigits > 0 && octet === CR) this.#step = 'size-lf';
    else if (this.#sizeDigits > 0 && octet === SEMICOLON) this.#step = 'extension';
    else this.#fail('a chunk size is not a plain hexadecimal number');
  }

  /** Extensions are passed over, within bounds (RFC 9112 7.1.1). */
  #readExtensionOctet(octet: number): void {
    if (octet === CR) this.#step = 'size-lf';
    else if (VALUE_OCTETS[octet] !== 1) this.#fail('a chunk extension has a control byte or a bare LF');
    else if (++this.#extensionBytes > this.#limits.maxChunkExtensionBytes)
      this.#fail('the chunk extensions are too long');
  }

  /** Gives how many of `bytes` belong to the trailer section (RFC 9112 7.1.2). */
  #readTrailers(bytes: Buffer): number {
    const held = this.#trailerBytes.length;
    const all = held === 0 ? bytes : Buffer.concat([this.#trailerBytes, bytes]);
    const isEmpty = all[0] === CR && all[1] === LF;
    const end = isEmpty ? -2 : all.indexOf(TRAILERS_END, Math.max(0, held - 3));
    const { maxTrailerBytes, maxTrailers } = this.#limits;
    if (isEmpty || (end !== -1 && end + 4 <= maxTrailerBytes)) {
      const fields = isEmpty ? [] : parseFields(all, all.toString('latin1', 0, end + 2), 0, end + 2, maxTrailers);
      if (Array.isArray(fields)) this.#trailers = fields.filter((field) => !isForbiddenTrailer(field.name));
      else this.#fault = wireFault('BAD_TRAILER', fields.detail);
      this.#isDone = true;
      this.#trailerBytes = NO_BYTES;
      return end + 4 - held;
    }
    if (all.length >= maxTrailerBytes)
      this.#fault = wireFault('BAD_TRAILER', `the trailers are over ${maxTrailerBytes} bytes`);
    else if (hasBareLineFeed(all, Math.max(0, held - 1))) this.#fault = wireFault('BAD_TRAILER', 'there is a bare LF');
    // A copy: the peer's bytes may be a view of a buffer that is used again.
    this.#trailerBytes = held === 0 ? Buffer.from(bytes) : all;
    return bytes.length;
  }

  #fail(detail: string): void {
    this.#fault = wireFault('BAD_CHUNK', detail);
  }
}

function hexDigit(octet: number): number {
  if (octet >= 48 && octet <= 57) return octet - 48;
  const lower = octet | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
