/** One stream of an agent's HTTP/2 connection: a request, and the way of its answer. */
import { type WireFault } from '@onecli/shared/wire/wire-fault';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Peer } from '../identity/peer.ts';
import type { AgentStream, AnswerHead, BodyPiece, BodySource, Tunnel } from '../proxy/agent-stream.ts';
import type { OwnAnswer } from '../proxy/answer.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Deadline } from '../proxy/deadline.ts';
import { grantsNow } from '../proxy/judge-request.ts';
import type { Underway, Withdrawal } from '../proxy/underway.ts';
import { SocketReader } from '../proxy/socket-reader.ts';
import { writeBytes } from '../proxy/write-bytes.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Framing } from '../wire/frame-body.ts';
import type { Header, RequestHead } from '../wire/head.ts';
import { answerFields, type FieldsListener, payloadFraming, trailerFields, trailersOf } from './fields.ts';
import { grpcAnswer, isGrpc } from './grpc-refusal.ts';
import { watchEnd } from './whole-stream.ts';

const lingerMs = 2000;
/** CANCEL would do, but Node's client takes an answer that ends by it for a whole one (rule 9). */
const cutCode = constants.NGHTTP2_INTERNAL_ERROR;

export class Http2Agent implements AgentStream {
  readonly isHttp2 = true;
  readonly deadline: Deadline;
  readonly tunnel: Tunnel;
  readonly peer: Peer;
  readonly #plane: DataPlane;
  readonly #stream: ServerHttp2Stream;
  /** Set when the request ended with its head: there is no payload. */
  readonly #isEnded: boolean;
  readonly #contentType: string | undefined;
  readonly #isWhole: () => boolean;
  #reader: SocketReader | undefined;
  #requestTrailers: readonly Header[] = [];
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Of an answer without payload: it is the end as well, and leaves as such. */
  #headAlone: ReturnType<typeof answerFields> | undefined;
  #trailers: readonly Header[] = [];
  #isOver = false;
  answersBegun = 0;
  underway: Underway | undefined;
  withdrawn: Withdrawal | undefined;
  onGone: (() => void) | undefined;

  /** @param isEnded the request's head was the end of the stream */
  constructor(
    plane: DataPlane,
    stream: ServerHttp2Stream,
    { tunnel, peer }: Pick<Http2Agent, 'tunnel' | 'peer'>,
    isEnded: boolean,
    contentType: string | undefined,
  ) {
    this.#plane = plane;
    this.#stream = stream;
    this.tunnel = tunnel;
    this.peer = peer;
    this.#isEnded = isEnded;
    this.#contentType = contentType;
    this.deadline = plane.clock.deadline(() => this.#expire());
    // What a reset's error says is in the stream's state, and the close that follows it is what is waited for.
    stream.on('error', () => undefined);
    stream.on('aborted', () => this.#leave());
    this.#isWhole = watchEnd(stream);
    const onTrailers: FieldsListener = (_fields, _flags, raw) => {
      this.#requestTrailers = trailersOf(raw);
    };
    stream.once('trailers', onTrailers as (...parameters: unknown[]) => void);
    stream.on('wantTrailers', () => stream.sendTrailers(trailerFields(this.#trailers)));
    stream.once('close', () => {
      this.deadline.clear();
      this.#leave();
    });
  }

  /** True once we have ended the stream, by an answer or by a reset: not so one that its agent gave up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  get isWritable(): boolean {
    return !this.isGone;
  }

  framingOf(head: RequestHead): Framing | WireFault {
    return payloadFraming(head, this.#isEnded);
  }

  body(): BodySource {
    const reader = new SocketReader(this.#stream);
    this.#reader = reader;
    return new StreamBody(reader, this.#isWhole, () => this.#requestTrailers);
  }

  interim(head: AnswerHead): boolean {
    if (this.isGone || this.#stream.headersSent) return false;
    this.#stream.additionalHeaders(answerFields(head, noPayload));
    return true;
  }

  /**
   * An answer without payload ends with its head: gRPC clients read such a head as trailers. All others wait for trailers,
   * also where there will be none: otherwise node:http2 sends END_STREAM ahead of a reset, and a cut answer looks whole.
   */
  begin(head: AnswerHead, framing: Framing): void {
    this.answersBegun++;
    if (this.isGone) return;
    const fields = answerFields(head, framing);
    if (framing.kind === 'none') this.#headAlone = fields;
    else this.#stream.respond(fields, { waitForTrailers: true });
  }

  push(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
    }
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  flush(): boolean | Promise<boolean> {
    if (this.#pendingBytes === 0) return !this.isGone;
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const written = writeBytes(this.#stream, pieces);
    return typeof written === 'boolean' ? written : this.#whileUnread(written);
  }

  end(trailers: readonly Header[] = []): boolean | Promise<boolean> {
    if (this.#headAlone && !this.isGone) this.#stream.respond(this.#headAlone, { endStream: true });
    const flushed = this.flush();
    if (typeof flushed === 'boolean') return flushed && this.#finish(trailers);
    return flushed.then((isOpen) => isOpen && this.#finish(trailers));
  }

  get isRefusedByHead(): boolean {
    return isGrpc(this.#contentType);
  }

  /** A gRPC call is refused in its own terms. The connection goes on: streams share no framing. */
  async answer(own: OwnAnswer, method: string): Promise<number> {
    const sent = isGrpc(this.#contentType) ? grpcAnswer(own, this.#contentType) : own;
    const payload = Buffer.from(method === 'HEAD' ? '' : sent.body);
    const lengthBytes = Buffer.byteLength(sent.body);
    this.begin(sent, payload.length === 0 ? noPayload : { kind: 'length', lengthBytes });
    this.push([payload]);
    await this.end();
    return payload.length;
  }

  abort(): void {
    this.#isOver = true;
    this.#stream.close(cutCode);
  }

  /** What another configuration does not allow any more ends at once. */
  lookAgain(configuration: Configuration): void {
    const grants = this.underway && grantsNow(this, this.underway, configuration);
    if (typeof grants === 'string') this.withdraw(grants);
  }

  /** Cuts the stream off, for no fault of its agent's making. */
  withdraw(why: Withdrawal): void {
    this.withdrawn = why;
    this.#stream.close(cutCode);
  }

  async #whileUnread(written: Promise<boolean>): Promise<boolean> {
    this.deadline.extend(this.#plane.limits.bodyIdleMs);
    const isOpen = await written;
    this.deadline.pause();
    return isOpen;
  }

  /**
   * The agent has `bodyIdleMs` to take the rest of the answer. What it still sends is read and thrown away, and the stream
   * reset a moment after the answer has left (RFC 9113 8.1).
   */
  #finish(trailers: readonly Header[]): boolean {
    const stream = this.#stream;
    this.#isOver = true;
    this.#trailers = trailers;
    this.#reader?.detach();
    stream.once('finish', () => this.deadline.extend(lingerMs));
    this.deadline.extend(this.#plane.limits.bodyIdleMs);
    if (!stream.writableEnded) stream.end();
    stream.on('data', () => undefined);
    stream.resume();
    return true;
  }

  #leave(): void {
    if (!this.#isOver) this.onGone?.();
    this.onGone = undefined;
  }

  #expire(): void {
    const stream = this.#stream;
    this.#reader?.interrupt();
    // What was not taken in time must not look whole.
    if (this.#isOver) stream.close(stream.writableFinished ? constants.NGHTTP2_NO_ERROR : cutCode);
    else if (stream.writableNeedDrain) stream.close(cutCode);
  }
}

const noPayload: Framing = { kind: 'none' };

/** A request's payload as its DATA frames bring it. It is whole when END_STREAM has come, and not by a reset. */
class StreamBody implements BodySource {
  readonly #reader: SocketReader;
  readonly #isWhole: () => boolean;
  readonly #trailers: () => readonly Header[];
  isDone = false;

  constructor(reader: SocketReader, isWhole: () => boolean, trailers: () => readonly Header[]) {
    this.#reader = reader;
    this.#isWhole = isWhole;
    this.#trailers = trailers;
  }

  get trailers(): readonly Header[] {
    return this.isDone ? this.#trailers() : [];
  }

  async take(): Promise<BodyPiece> {
    const bytes = await this.#reader.read();
    if (typeof bytes !== 'string') return { kind: 'payload', chunks: [bytes], isLast: false };
    if (bytes !== 'end' || !this.#isWhole()) return { kind: 'lost' };
    this.isDone = true;
    return { kind: 'payload', chunks: [], isLast: true };
  }
}
