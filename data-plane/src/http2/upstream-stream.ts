import { type WireFault, wireFault } from '@onecli/shared/wire/wire-fault';
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { AnswerSource, Payload } from '../proxy/answer-source.ts';
import type { Deadline, DeadlineClock } from '../proxy/deadline.ts';
import { type HeadRead, SocketReader } from '../proxy/socket-reader.ts';
import { responseFraming } from '../wire/frame-body.ts';
import { type Header, type ResponseHead } from '../wire/head.ts';
import { type FieldsListener, responseHeadOf, trailersOf } from './fields.ts';
import { watchEnd } from './whole-stream.ts';

/** One stream to an upstream: where the answer to one request comes from. */
export class UpstreamStream implements AnswerSource {
  readonly stream: ClientHttp2Stream;
  readonly reader: SocketReader;
  readonly deadline: Deadline;
  readonly #isWhole: () => boolean;
  readonly #heads: HeadRead<ResponseHead>[] = [];
  #waiting: ((read: HeadRead<ResponseHead>) => void) | undefined;
  #isHeadLast = false;
  #trailers: readonly Header[] = [];
  hasTimedOut = false;

  constructor(stream: ClientHttp2Stream, clock: DeadlineClock) {
    this.stream = stream;
    this.#isWhole = watchEnd(stream);
    this.reader = new SocketReader(stream);
    this.deadline = clock.deadline(() => {
      this.hasTimedOut = true;
      this.cancel();
    });
    const onHead: FieldsListener = (_fields, flags, raw) => this.#takeHead(raw, flags);
    const onTrailers: FieldsListener = (_fields, _flags, raw) => {
      this.#trailers = trailersOf(raw);
    };
    stream.on('headers', onHead as (...parameters: unknown[]) => void);
    stream.once('response', onHead as (...parameters: unknown[]) => void);
    stream.once('trailers', onTrailers as (...parameters: unknown[]) => void);
    stream.once('close', () => {
      this.deadline.clear();
      this.#give({ kind: 'ended', how: 'lost', isPartial: false });
    });
  }

  /** The upstream says that it has not looked at the request (RFC 9113 8.7). */
  get isRefused(): boolean {
    return this.stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
  }

  /** Gives the stream up; nothing of it is whole for the upstream, unless it was. */
  cancel(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  readHead(): Promise<HeadRead<ResponseHead>> {
    const read = this.#heads.shift();
    if (read) return Promise.resolve(read);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  payloadOf(head: ResponseHead, method: string): Payload | WireFault {
    const framing = responseFraming(head, method);
    if (framing.kind === 'fault') return framing;
    const isEmpty = this.#isHeadLast || framing.kind === 'none';
    const body = new StreamPayload(isEmpty, this.#isWhole, () => this.#trailers);
    if (isEmpty) return { framing: { kind: 'none' }, body };
    return { framing: framing.kind === 'close' ? { kind: 'chunked' } : framing, body };
  }

  #takeHead(raw: readonly string[], flags: number): void {
    const head = responseHeadOf(raw);
    this.#isHeadLast = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    this.#give(head ? { kind: 'head', head } : wireFault('BAD_STATUS_LINE', 'its :status is not a status'));
  }

  #give(read: HeadRead<ResponseHead>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(read);
    else this.#heads.push(read);
  }
}

/** DATA frames carry payload and nothing else; what ends it is END_STREAM, and no reset. */
class StreamPayload {
  readonly #isWhole: () => boolean;
  readonly #trailers: () => readonly Header[];
  isDone: boolean;

  constructor(isEmpty: boolean, isWhole: () => boolean, trailers: () => readonly Header[]) {
    this.isDone = isEmpty;
    this.#isWhole = isWhole;
    this.#trailers = trailers;
  }

  get trailers(): readonly Header[] {
    return this.#trailers();
  }

  read(bytes: Buffer): { kind: 'body'; chunks: Buffer[]; done: boolean; consumedBytes: number } {
    return { kind: 'body', chunks: [bytes], done: false, consumedBytes: bytes.length };
  }

  end(): { readonly kind: 'complete' } | WireFault {
    if (!this.#isWhole()) return wireFault('TRUNCATED', 'the stream was reset before the body ended');
    this.isDone = true;
    return { kind: 'complete' };
  }
}
