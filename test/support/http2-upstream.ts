import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestAuthority } from './test-authority.ts';

/** One request on an HTTP/2 upstream, as it came. */
export interface StreamRecord {
  /** Names and values in turn, pseudo-header fields included. */
  raw: readonly string[];
  headers: IncomingHttpHeaders;
  body: Buffer;
  trailers: IncomingHttpHeaders;
  /** END_STREAM came. */
  isWhole: boolean;
  /** Set once the stream is closed. */
  rstCode: number | undefined;
}

export type StreamHandler = (stream: ServerHttp2Stream, request: StreamRecord) => void | Promise<void>;

/** A server of HTTP/2 alone on 127.0.0.1 that keeps what each stream brought. */
export class Http2Upstream {
  readonly requests: StreamRecord[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  /** TLS connections that were made. */
  connections = 0;
  handler: StreamHandler;
  readonly #server: Http2SecureServer;

  constructor(server: Http2SecureServer, handler: StreamHandler) {
    this.#server = server;
    this.handler = handler;
    server.on('session', (session) => {
      this.connections += 1;
      this.sessions.add(session);
      session.on('error', () => undefined);
      session.once('close', () => this.sessions.delete(session));
    });
    server.on('stream', ((stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
      this.#record(stream, headers, raw)) as (...parameters: unknown[]) => void);
    server.on('sessionError', () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Forgets what was recorded and takes another handler, or keeps the present one. */
  reset(handler?: StreamHandler): void {
    this.requests.length = 0;
    if (handler) this.handler = handler;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #record(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    const empty = Buffer.alloc(0);
    const request: StreamRecord = { raw, headers, body: empty, trailers: {}, isWhole: false, rstCode: undefined };
    this.requests.push(request);
    stream.on('error', () => undefined);
    stream.on('trailers', (trailers) => (request.trailers = trailers));
    stream.on('data', (chunk: Buffer) => (request.body = Buffer.concat([request.body, chunk])));
    stream.on('end', () => (request.isWhole = !stream.aborted));
    stream.on('close', () => (request.rstCode = stream.rstCode));
    void this.handler(stream, request);
  }
}

/** Answers 200 with a small JSON. */
export const answerOk: StreamHandler = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end('{"ok":true}');
};

/** Starts an HTTP/2 upstream on a free port. */
export async function startHttp2Upstream(authority: TestAuthority, hosts: readonly string[]): Promise<Http2Upstream> {
  const { key, cert } = authority.issue(hosts);
  const server = createSecureServer({ key, cert, maxSessionMemory: 1_000 });
  const upstream = new Http2Upstream(server, answerOk);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return upstream;
}
