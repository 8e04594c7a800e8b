import { createHash, type Hash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { splitHead } from './message-head.ts';

const maxRecordedBytes = 32 * 1024 * 1024;

/** One request as it reached the upstream. */
export interface RecordedRequest {
  /** Index of its connection. */
  connection: number;
  sni: string | undefined;
  method: string;
  target: string;
  /** The head's exact bytes as latin1, the empty line included. */
  head: string;
  /** Name as sent, value trimmed; in order. */
  headers: [string, string][];
  /** The first value of a header, by its name in any case. */
  header(name: string): string | undefined;
  /** Every value of a header. */
  all(name: string): string[];
  /** Resolves with the body (decoded when chunked) when it is whole; rejects when the client went away before. */
  body(): Promise<Buffer>;
  bodyLength: number;
  bodySha256(): string;
}

/** How a scripted upstream answers: whole answers, or any bytes at all. */
export interface Reply {
  readonly socket: Socket;
  /** A whole answer with a JSON body. */
  json(status: number, value: unknown, headers?: Record<string, string>): void;
  /** A whole answer with Content-Length. */
  send(status: number, headers: Record<string, string>, body?: string | Buffer): void;
  /** Exactly these bytes (a string is latin1); waits for `drain` when the socket asks for it. */
  raw(bytes: string | Buffer): Promise<void>;
  /** A chunked answer with one chunk for each part, then the last chunk. */
  chunked(
    status: number,
    headers: Record<string, string>,
    parts: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  ): Promise<void>;
  /** A chunked `text/event-stream`, one event for each item. */
  events(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<void>;
  /** FIN. */
  end(): void;
  /** RST. */
  reset(): void;
  /** The end of the TCP connection without the end of TLS (no close_notify, RFC 8446 section 6.1). */
  cutTls(): void;
}

/** Answers one request. It is called when the head is in; the next request of the connection waits for the promise. */
export type UpstreamHandler = (request: RecordedRequest, reply: Reply) => void | Promise<void>;

interface Owner {
  onRequest(request: RecordedRequest): void;
  handler(): UpstreamHandler;
}

/** One connection of a client: keeps its bytes and tells requests apart, as loosely as it can. */
export class UpstreamConnection {
  readonly sni: string | undefined;
  closed = false;
  readonly #chunks: Buffer[] = [];
  #recordedBytes = 0;
  #unread: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  constructor(
    readonly socket: Socket,
    readonly index: number,
    owner: Owner,
  ) {
    const name = (socket as Partial<TLSSocket>).servername;
    this.sni = typeof name === 'string' ? name : undefined;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#finish());
    socket.on('close', () => this.#finish());
    this.#serve(owner).catch(() => socket.destroy());
  }

  /** The exact bytes that the client sent on this connection (the first 32 MB of them). */
  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Starts the record anew. */
  forget(): void {
    this.#chunks.length = 0;
    this.#recordedBytes = 0;
  }

  #take(chunk: Buffer): void {
    if (this.#recordedBytes < maxRecordedBytes) this.#chunks.push(chunk);
    this.#recordedBytes += chunk.length;
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#wake?.();
  }

  #finish(): void {
    this.closed = true;
    this.#wake?.();
  }

  /** Waits for more bytes; false when there will be none. */
  async #more(): Promise<boolean> {
    if (this.closed) return false;
    const before = this.#unread.length;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    return !this.closed || this.#unread.length > before;
  }

  async #serve(owner: Owner): Promise<void> {
    for (;;) {
      const end = this.#unread.indexOf('\r\n\r\n');
      if (end < 0) {
        if (!(await this.#more())) return;
        continue;
      }
      const head = this.#unread.subarray(0, end + 4).toString('latin1');
      this.#unread = this.#unread.subarray(end + 4);
      const { request, whole } = this.#record(head);
      owner.onRequest(request);
      await owner.handler()(request, makeReply(this.socket, request));
      await whole;
      if (this.socket.writableEnded) this.socket.destroySoon();
    }
  }

  #record(head: string): { request: RecordedRequest; whole: Promise<Buffer> } {
    const { startLine, headers } = splitHead(head);
    const [method = '', target = ''] = startLine.split(' ');
    const all = (name: string): string[] =>
      headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    const hash = createHash('sha256');
    const request: RecordedRequest = {
      connection: this.index,
      sni: this.sni,
      method,
      target,
      head,
      headers,
      all,
      bodyLength: 0,
      header: (name) => all(name)[0],
      body: () => whole,
      bodySha256: () => hash.copy().digest('hex'),
    };
    const whole = this.#readBody(request, hash);
    whole.catch(() => undefined); // a handler may not care for the body
    return { request, whole };
  }

  async #readBody(request: RecordedRequest, hash: Hash): Promise<Buffer> {
    const parts: Buffer[] = [];
    const keep = (bytes: Buffer): void => {
      hash.update(bytes);
      if (request.bodyLength < maxRecordedBytes) parts.push(bytes);
      request.bodyLength += bytes.length;
    };
    if (/chunked/i.test(request.header('transfer-encoding') ?? '')) await this.#readChunked(keep);
    else await this.#readExactly(Number(request.header('content-length') ?? 0), keep);
    return Buffer.concat(parts);
  }

  async #readExactly(length: number, keep: (bytes: Buffer) => void): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#unread.length === 0 && !(await this.#more())) throw new Error('the client went away in mid-body');
      const bytes = this.#unread.subarray(0, left);
      this.#unread = this.#unread.subarray(bytes.length);
      left -= bytes.length;
      keep(bytes);
    }
  }

  async #readChunked(keep: (bytes: Buffer) => void): Promise<void> {
    for (;;) {
      const size = Number.parseInt(await this.#readLine(), 16);
      if (Number.isNaN(size)) throw new Error('no chunk size');
      if (size === 0) break;
      await this.#readExactly(size, keep);
      await this.#readLine();
    }
    while ((await this.#readLine()) !== '') continue; // trailer fields
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const end = this.#unread.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#unread.subarray(0, end).toString('latin1');
        this.#unread = this.#unread.subarray(end + 2);
        return line;
      }
      if (!(await this.#more())) throw new Error('the client went away in mid-body');
    }
  }
}

/** The TCP socket under a TLS socket: only that one can send RST. */
function tcpSocketOf(socket: Socket): Socket {
  return (socket as { _parent?: Socket | null })._parent ?? socket;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function makeReply(socket: Socket, request: RecordedRequest): Reply {
  const headOf = (status: number, headers: Record<string, string>): string =>
    `HTTP/1.1 ${status} Scripted\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`;

  async function raw(bytes: string | Buffer): Promise<void> {
    if (socket.destroyed || bytes.length === 0) return;
    const flushed = socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    if (!flushed) await drained(socket);
  }
  function send(status: number, headers: Record<string, string>, body: string | Buffer = ''): void {
    const bytes = Buffer.from(body as string);
    const head = Buffer.from(headOf(status, { ...headers, 'content-length': String(bytes.length) }), 'latin1');
    void raw(request.method === 'HEAD' ? head : Buffer.concat([head, bytes]));
  }
  async function chunked(
    status: number,
    headers: Record<string, string>,
    parts: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  ): Promise<void> {
    await raw(headOf(status, { ...headers, 'transfer-encoding': 'chunked' }));
    for await (const part of parts) {
      const bytes = Buffer.from(part as string);
      await raw(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
    }
    await raw('0\r\n\r\n');
  }
  async function events(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    async function* lines(): AsyncGenerator<string> {
      for await (const item of items) yield `data: ${typeof item === 'string' ? item : JSON.stringify(item)}\n\n`;
    }
    await chunked(200, { 'content-type': 'text/event-stream' }, lines());
  }
  return {
    socket,
    raw,
    send,
    chunked,
    events,
    json: (status, value, headers = {}) =>
      send(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value)),
    end: () => socket.end(),
    reset: () => tcpSocketOf(socket).resetAndDestroy(),
    cutTls: () => tcpSocketOf(socket).destroy(),
  };
}
