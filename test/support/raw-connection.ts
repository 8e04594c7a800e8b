import type { Socket } from 'node:net';
import { splitHead } from './message-head.ts';
import { waitUntil, within } from './wait-until.ts';

/** One answer as it came back, with all that could be told of its framing. */
export interface RawResponse {
  status: number;
  reason: string;
  headers: [string, string][];
  header(name: string): string | undefined;
  /** Decoded when chunked. */
  body: Buffer;
  text: string;
  json: unknown;
  /** `whole` by its framing; `until-close` when only the end of the connection ended it; `cut` when it fell short. */
  ending: 'whole' | 'until-close' | 'cut';
  /** Status codes of the interim answers before it. */
  interim: number[];
}

/** A socket under hand control: sends any bytes and keeps exactly what came back. */
export class RawConnection {
  /** `fin`: the other side ended in order; `reset`: it did not (RST, or TLS without close_notify). */
  ended: 'open' | 'fin' | 'reset' = 'open';
  readonly #chunks: Buffer[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#wake?.();
  };

  constructor(readonly socket: Socket) {
    socket.on('data', this.#onData);
    const end = (how: 'fin' | 'reset'): void => {
      if (this.ended === 'open' || how === 'reset') this.ended = how;
      this.#wake?.();
    };
    socket.on('error', () => end('reset'));
    socket.on('end', () => end('fin'));
    socket.on('close', (hadError: boolean) => end(hadError ? 'reset' : 'fin'));
  }

  /** All bytes that have come in so far. */
  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Bytes that no {@link readResponse} has taken. */
  unread(): Buffer {
    return this.#unread;
  }

  send(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Reads the next final answer; `method` tells whether it may have a body. @throws when none comes in time. */
  async readResponse(method = 'GET', timeoutMs = 15_000): Promise<RawResponse> {
    const interim: number[] = [];
    for (;;) {
      const response = await within('an answer', this.#nextResponse(method), timeoutMs);
      if (response.status >= 200 || response.status === 101) {
        response.interim.push(...interim);
        return response;
      }
      interim.push(response.status);
    }
  }

  async #nextResponse(method: string): Promise<RawResponse> {
    for (;;) {
      const response = this.#tryResponse(method);
      if (response !== undefined) return response;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  /** Waits until the other side has closed and gives how. */
  async untilClosed(timeoutMs = 15_000): Promise<'fin' | 'reset'> {
    await waitUntil('the connection is closed', () => this.ended !== 'open', timeoutMs);
    return this.ended === 'reset' ? 'reset' : 'fin';
  }

  close(): void {
    this.socket.destroy();
  }

  /** Hands the socket over to TLS: stops listening. */
  release(): Socket {
    this.socket.off('data', this.#onData);
    return this.socket;
  }

  #tryResponse(method: string): RawResponse | undefined {
    const bytes = this.unread();
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.ended !== 'open')
        throw new Error(`the connection ended (${this.ended}) after ${JSON.stringify(bytes.toString('latin1'))}`);
      return undefined;
    }
    const { startLine, headers } = splitHead(bytes.subarray(0, end + 4).toString('latin1'));
    const status = Number(startLine.split(' ')[1]);
    const header = (name: string): string | undefined =>
      headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    const framed = frameBody(bytes.subarray(end + 4), { status, method, header, isOver: this.ended !== 'open' });
    if (framed === undefined) return undefined;
    this.#unread = bytes.subarray(end + 4 + framed.length);
    const text = framed.body.toString('utf8');
    return {
      status,
      headers,
      header,
      text,
      body: framed.body,
      ending: framed.ending,
      interim: [],
      reason: startLine.split(' ').slice(2).join(' '),
      get json() {
        return JSON.parse(text) as unknown;
      },
    };
  }
}

interface Framing {
  status: number;
  method: string;
  header(name: string): string | undefined;
  isOver: boolean;
}

interface FramedBody {
  body: Buffer;
  /** Bytes taken from the connection. */
  length: number;
  ending: RawResponse['ending'];
}

/** Message body length by RFC 9112, section 6.3; undefined when more bytes are to come. */
function frameBody(bytes: Buffer, { status, method, header, isOver }: Framing): FramedBody | undefined {
  const empty: FramedBody = { body: Buffer.alloc(0), length: 0, ending: 'whole' };
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return empty;
  if (method === 'CONNECT' && status < 300) return empty;
  if (/chunked/i.test(header('transfer-encoding') ?? '')) return dechunk(bytes) ?? (isOver ? cut(bytes) : undefined);
  const declared = header('content-length');
  if (declared === undefined) return isOver ? { body: bytes, length: bytes.length, ending: 'until-close' } : undefined;
  const length = Number(declared);
  if (bytes.length >= length) return { body: bytes.subarray(0, length), length, ending: 'whole' };
  return isOver ? cut(bytes) : undefined;
}

function cut(bytes: Buffer): FramedBody {
  return { body: bytes, length: bytes.length, ending: 'cut' };
}

function dechunk(bytes: Buffer): FramedBody | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (Number.isNaN(size)) throw new Error('not a chunk size in an answer');
    at = lineEnd + 2;
    if (size === 0) {
      const end = bytes.indexOf('\r\n', at) === at ? at + 2 : bytes.indexOf('\r\n\r\n', at) + 4;
      return end < at + 2 ? undefined : { body: Buffer.concat(parts), length: end, ending: 'whole' };
    }
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}
