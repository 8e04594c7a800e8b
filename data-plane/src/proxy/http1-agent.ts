/** The agent's end of an HTTP/1.1 connection: inside a tunnel, or on the proxy port itself. */
import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { Socket } from 'node:net';
import type { Peer } from '../identity/peer.ts';
import { BodyReader, type Framing, requestFraming } from '../wire/frame-body.ts';
import type { Header, RequestHead } from '../wire/head.ts';
import { writeResponseHead } from '../wire/write-head.ts';
import type { AgentStream, AnswerHead, BodyPiece, BodySource, SwitchedConnection, Tunnel } from './agent-stream.ts';
import { type OwnAnswer, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import type { Deadline } from './deadline.ts';
import { frameChunks, joinPayload } from './frame-chunks.ts';
import { confirmIdentity } from '../identity/identify.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { grantsNow } from './judge-request.ts';
import type { Underway, Withdrawal } from './underway.ts';
import type { Holder, OpenConnection } from './open-connections.ts';
import { SocketReader } from './socket-reader.ts';
import { type Piece, writeBytes } from './write-bytes.ts';

const lingerMs = 2000;
const noPayload: Framing = { kind: 'none' };

export class Http1Agent implements AgentStream, Holder {
  readonly isHttp2 = false;
  readonly isRefusedByHead = false;
  readonly socket: Socket;
  /** The TCP socket under `socket`; the same one outside a tunnel. */
  readonly raw: Socket;
  readonly reader: SocketReader;
  readonly deadline: Deadline;
  readonly connection: OpenConnection;
  readonly peer: Peer;
  readonly tunnel: Tunnel | undefined;
  readonly #plane: DataPlane;
  /** Of the answer under way. */
  #framing: Framing = noPayload;
  /** What waits to leave: the head, and payload that becomes one chunk where there are chunks. */
  #head = '';
  #payload: Buffer[] = [];
  #pendingBytes = 0;
  #isLast = false;
  /** The version of the request under way: HTTP/1.0 knows no chunks. */
  minor: 0 | 1 = 1;
  answersBegun = 0;
  underway: Underway | undefined;
  withdrawn: Withdrawal | undefined;

  constructor(
    plane: DataPlane,
    socket: Socket,
    { raw, connection, peer, tunnel }: Pick<Http1Agent, 'raw' | 'connection' | 'peer' | 'tunnel'>,
  ) {
    this.#plane = plane;
    this.socket = socket;
    this.raw = raw;
    this.peer = peer;
    this.tunnel = tunnel;
    this.reader = new SocketReader(socket);
    this.connection = connection;
    connection.socket = socket;
    connection.holder = this;
    this.deadline = plane.clock.deadline(() => this.#expire());
    clearOnClose(socket, this.deadline);
  }

  /** True when no other request can follow on this connection. */
  get isLast(): boolean {
    return this.#isLast;
  }

  get isGone(): boolean {
    return this.reader.ending !== undefined;
  }

  get isWritable(): boolean {
    return this.socket.writable;
  }

  get onGone(): (() => void) | undefined {
    return this.reader.onEnding;
  }

  set onGone(listener: (() => void) | undefined) {
    this.reader.onEnding = listener;
  }

  framingOf(head: RequestHead): Framing | WireFault {
    return requestFraming(head);
  }

  body(framing: Framing): BodySource {
    return new Http1Body(this.reader, framing);
  }

  interim({ status, reason, headers }: AnswerHead): boolean | Promise<boolean> {
    if (this.minor === 0) return true;
    return this.write([writeResponseHead(status, reason, headers, noPayload)]);
  }

  /**
   * HTTP/1.0 agents know no chunks. A body that its upstream ends by closing goes on as one: over TLS we are not told
   * whether the end was meant (RFC 9112 9.8), so the agent must not be told more than we know.
   */
  begin({ status, reason, headers }: AnswerHead, framing: Framing, isLast: boolean): void {
    this.answersBegun++;
    this.#framing = framing.kind === 'chunked' && this.minor === 0 ? { kind: 'close' } : framing;
    this.#isLast = isLast || this.#framing.kind === 'close';
    const sent = this.#isLast ? [...headers, closing] : headers;
    this.#head = writeResponseHead(status, reason, sent, this.#framing);
    this.#pendingBytes += this.#head.length;
  }

  push(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#payload.push(chunk);
      this.#pendingBytes += chunk.length;
    }
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  flush(): boolean | Promise<boolean> {
    return this.#send(false);
  }

  end(): boolean | Promise<boolean> {
    return this.#send(true);
  }

  async answer({ status, reason, headers, body }: OwnAnswer, method: string, isLast: boolean): Promise<number> {
    const payload = Buffer.from(body);
    this.begin({ status, reason, headers }, { kind: 'length', lengthBytes: payload.length }, isLast);
    const sentBytes = method === 'HEAD' ? 0 : payload.length;
    if (sentBytes > 0) this.push([payload]);
    if (!(await this.flush())) this.#isLast = true;
    return sentBytes;
  }

  /** No request follows on this connection. */
  switchProtocols(head: AnswerHead): SwitchedConnection {
    this.#isLast = true;
    this.answersBegun++;
    void this.interim(head);
    return this;
  }

  /** A reset, not an end. */
  abort(): void {
    this.#isLast = true;
    this.raw.resetAndDestroy();
    this.socket.destroy();
  }

  lookAgain(configuration: Configuration): void {
    this.withdrawn ??= this.#whyNotNow(configuration);
    if (this.withdrawn) this.abort();
  }

  #whyNotNow(configuration: Configuration): Withdrawal | undefined {
    const { tunnel, underway } = this;
    if (tunnel) {
      const identity = confirmIdentity(tunnel.identity, configuration, Date.now());
      if (identity.kind === 'refused') return 'PROXY_AUTH_INVALID';
      tunnel.identity = identity;
    }
    const grants = underway && grantsNow(this, underway, configuration);
    return typeof grants === 'string' ? grants : undefined;
  }

  /**
   * Writes to the agent and waits while it does not read; one that does not for too long loses its connection. False
   * when the connection is gone. Answers of our own go through here too: a peer that only asks must not fill our memory.
   */
  write(pieces: readonly Piece[]): boolean | Promise<boolean> {
    const written = writeBytes(this.socket, pieces);
    return typeof written === 'boolean' ? written : this.#whileUnread(written);
  }

  /**
   * Ends the connection so that the last answer arrives: what the peer still sends is read and thrown away, because
   * closing on unread bytes would reset the connection and take the answer with it. The peer has `bodyIdleMs` to take
   * the answer and then a moment to end.
   */
  closeGently(): void {
    const { socket, deadline } = this;
    if (socket.destroyed) return;
    this.reader.detach();
    socket.on('data', () => undefined);
    let timer = setTimeout(() => socket.destroy(), this.#plane.limits.bodyIdleMs);
    socket.once('finish', () => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), lingerMs);
    });
    socket.once('close', () => clearTimeout(timer));
    deadline.clear();
    socket.resume();
    socket.end();
  }

  #send(isLast: boolean): boolean | Promise<boolean> {
    const framed = frameChunks(this.#payload, isLast, this.#framing);
    const pieces = this.#head === '' ? framed : [this.#head, ...framed];
    this.#head = '';
    this.#payload = [];
    this.#pendingBytes = 0;
    return this.write(pieces);
  }

  async #whileUnread(written: Promise<boolean>): Promise<boolean> {
    this.deadline.extend(this.#plane.limits.bodyIdleMs);
    const isOpen = await written;
    this.deadline.pause();
    return isOpen;
  }

  #expire(): void {
    this.reader.interrupt();
    // A deadline that passes while bytes are written, not read, means that the agent does not take them.
    if (this.socket.writableNeedDrain) this.socket.destroy();
  }
}

const closing = ['Connection', 'close'] as const;

/** Apart, so that the socket does not keep the agent alive: a tunnel has two of them, and one is over when it is open. */
function clearOnClose(socket: Socket, deadline: Deadline): void {
  socket.on('close', () => deadline.clear());
}

/** A request's body as its connection brings it. What follows it is put back. */
class Http1Body implements BodySource {
  readonly #reader: SocketReader;
  readonly #body: BodyReader;

  constructor(reader: SocketReader, framing: Framing) {
    this.#reader = reader;
    this.#body = new BodyReader(framing);
  }

  get isDone(): boolean {
    return this.#body.isDone;
  }

  get trailers(): readonly Header[] {
    return this.#body.trailers;
  }

  async take(): Promise<BodyPiece> {
    const bytes = await this.#reader.read();
    if (typeof bytes === 'string') return { kind: 'lost' };
    const read = this.#body.read(bytes);
    if (read.kind === 'fault') return refusal('BAD_REQUEST', read.detail);
    if (read.consumedBytes < bytes.length) this.#reader.unshift(bytes.subarray(read.consumedBytes));
    return { kind: 'payload', chunks: joinPayload(read.chunks), isLast: read.done };
  }
}
