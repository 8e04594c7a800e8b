import type { TLSSocket } from 'node:tls';
import { waitUntil } from './wait-until.ts';

/** Frame types and flags of RFC 9113, section 6. */
export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
export const flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** One frame as it goes over the wire. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literal fields without indexing, in any bytes (RFC 7541, section 6.2.2). */
export function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** The fields of a plain request. */
export function requestLines(host: string, path = '/v1/x', method = 'GET'): [string, string][] {
  return [
    [':method', method],
    [':scheme', 'https'],
    [':authority', host],
    [':path', path],
  ];
}

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The client's end of an HTTP/2 connection under hand control: sends any frames and keeps those that come back. */
export class RawHttp2 {
  readonly frames: Frame[] = [];
  isClosed = false;
  #unread: Buffer = Buffer.alloc(0);

  constructor(readonly socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => (this.isClosed = true));
    socket.on('end', () => (this.isClosed = true));
    this.send(preface, frame(frameType.settings, 0, 0));
  }

  send(...frames: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  /** HEADERS with the whole block; `isLast` ends the stream with it. */
  sendRequest(stream: number, fields: readonly (readonly [string, string])[], isLast = true): void {
    const flags = flag.endHeaders + (isLast ? flag.endStream : 0);
    this.send(frame(frameType.headers, flags, stream, fieldBlock(fields)));
  }

  /** Waits for what came of a stream: its answer's end, its reset, or the end of the connection. */
  async outcomeOf(stream: number): Promise<'answered' | 'reset' | 'closed'> {
    return await waitUntil('a stream or its connection has ended', () => {
      const own = this.frames.filter((one) => one.stream === stream);
      if (own.some(({ type }) => type === frameType.reset)) return 'reset';
      const isEnded = own.some(({ type, flags }) => type <= frameType.headers && (flags & flag.endStream) !== 0);
      if (isEnded) return 'answered';
      return this.isClosed || this.frames.some(({ type }) => type === frameType.goaway) ? 'closed' : undefined;
    });
  }

  /** The error code of GOAWAY, once one has come. */
  get goawayCode(): number | undefined {
    return this.frames.find(({ type }) => type === frameType.goaway)?.payload.readUInt32BE(4);
  }

  /** The payload of a stream's DATA frames. */
  textOf(stream: number): string {
    const data = this.frames.filter((one) => one.stream === stream && one.type === frameType.data);
    return Buffer.concat(data.map(({ payload }) => payload)).toString('utf8');
  }

  #take(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      if (this.#unread.length < 9) return;
      const end = 9 + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) return;
      const bytes = this.#unread.subarray(0, end);
      this.frames.push({
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(5),
        payload: Buffer.from(bytes.subarray(9)),
      });
      this.#unread = this.#unread.subarray(end);
    }
  }
}
