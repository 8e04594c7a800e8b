import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { Deadline, DeadlineClock } from '../proxy/deadline.ts';
import type { Limits } from '../proxy/limits.ts';

/** How much may be under way to us on one connection, over all its streams. Each stream has its own bound. */
const connectionWindowBytes = 4 * 1024 * 1024;

/** One HTTP/2 connection to an upstream, for one agent and origin. Its streams are taken one for each request. */
export class UpstreamSession {
  readonly poolKey: string;
  readonly #session: ClientHttp2Session;
  readonly #limits: Limits;
  readonly #deadline: Deadline;
  readonly #mayIdle: (session: UpstreamSession) => boolean;
  #reserved = 0;
  #isUsed = false;
  #isPinged = false;

  /**
   * @param onEnd called once, as soon as no further stream can be opened
   * @param mayIdle asked when it has no stream any more: it ends unless it may wait for the next one
   */
  constructor(
    socket: Socket,
    poolKey: string,
    limits: Limits,
    clock: DeadlineClock,
    onEnd: (ended: UpstreamSession) => void,
    mayIdle: (session: UpstreamSession) => boolean = () => true,
  ) {
    this.#mayIdle = mayIdle;
    this.poolKey = poolKey;
    this.#limits = limits;
    this.#deadline = clock.deadline(() => this.#expire());
    this.#session = connect('https://upstream.invalid', { createConnection: () => socket, ...sessionOptions(limits) });
    this.#session.once('connect', (session) => session.setLocalWindowSize(connectionWindowBytes));
    // A failed connection resets its streams, and each of them tells its own exchange.
    this.#session.on('error', () => undefined);
    this.#session.on('goaway', () => onEnd(this));
    this.#session.once('close', () => {
      this.#deadline.clear();
      onEnd(this);
    });
    this.#watch();
  }

  get isIdle(): boolean {
    return this.#reserved === 0;
  }

  /** It has carried a request before: it may have been closed under us. */
  get isReused(): boolean {
    return this.#isUsed;
  }

  /** Keeps room for one stream, which `request` opens. False when there is none. */
  reserve(): boolean {
    if (this.hasEnded || this.#reserved >= this.#maxStreams) return false;
    this.#reserved++;
    return true;
  }

  get #maxStreams(): number {
    const offered = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#limits.http2.maxStreams, offered);
  }

  /** It takes no further streams. */
  get hasEnded(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /**
   * Opens the stream that room was kept for; undefined when the upstream has ended the connection meanwhile, or takes fewer
   * streams now: Node would hold the head back until there is room, and send it although it may not leave any more by then.
   */
  request(fields: () => OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream | undefined {
    let stream: ClientHttp2Stream | undefined;
    try {
      if (this.hasEnded || this.#reserved > this.#maxStreams) return undefined;
      // Trailers are waited for so that a reset does not end the request: see Http2Agent.begin.
      stream = this.#session.request(fields(), { endStream, waitForTrailers: !endStream });
    } finally {
      if (!stream) this.giveRoomBack();
    }
    this.#isUsed = true;
    stream.once('close', () => this.giveRoomBack());
    stream.on('data', () => this.#watch());
    stream.once('response', () => this.#watch());
    return stream;
  }

  destroy(): void {
    this.#session.destroy();
  }

  /** The room that was kept is free again: no stream came of it, or it has closed. */
  giveRoomBack(): void {
    this.#reserved--;
    this.#watch();
    if (this.isIdle && !this.hasEnded && !this.#mayIdle(this)) this.#session.close();
  }

  /** Something came, or was waited for anew. */
  #watch(): void {
    this.#isPinged = false;
    this.#deadline.extend(this.isIdle ? this.#limits.pooledIdleMs : this.#limits.http2.pingMs);
  }

  /** An idle connection ends. One that is waited on shows that it lives, or its streams are given up. */
  #expire(): void {
    if (this.isIdle) return this.#session.close();
    if (this.#isPinged) return this.#session.destroy();
    this.#isPinged = true;
    this.#session.ping(() => this.#watch());
    this.#deadline.extend(this.#limits.dialMs);
  }
}

function sessionOptions({ head, http2 }: Limits): object {
  return {
    maxHeaderListPairs: head.maxHeaders + 1,
    maxSessionMemory: 10,
    maxSettings: 32,
    peerMaxConcurrentStreams: http2.maxStreams,
    settings: {
      enablePush: false,
      initialWindowSize: http2.upstreamWindowBytes,
      maxHeaderListSize: head.maxHeadBytes,
    },
  };
}
