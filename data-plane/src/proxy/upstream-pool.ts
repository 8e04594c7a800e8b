import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { Socket } from 'node:net';
import { BodyReader, responseFraming } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import { parseResponseHead } from '../wire/parse-head.ts';
import type { Refusal } from './answer.ts';
import type { AnswerSource, Payload } from './answer-source.ts';
import type { DeadlineClock } from './deadline.ts';
import { type Destination, type DialOptions, dial } from './dial.ts';
import type { Limits } from './limits.ts';
import { SocketReader } from './socket-reader.ts';

/** A connection to an upstream, owned by one exchange at a time. */
export interface Upstream extends AnswerSource {
  readonly socket: Socket;
  readonly reader: SocketReader;
  readonly poolKey: string;
  /** It has carried an exchange before: it may have been closed under us. */
  isReused: boolean;
  hasTimedOut: boolean;
}

/** The key of an agent's connections to a destination: no two agents share one. */
export function poolKeyOf(
  agentId: string,
  { host, port }: Pick<Destination, 'host' | 'port'>,
  isSecure: boolean,
): string {
  return `${agentId} ${isSecure ? 'https' : 'http'} ${host}:${port}`;
}

/**
 * Idle connections by agent and origin, so that one agent's bytes never follow another's. A byte, an end or an error on
 * an idle connection destroys it: nothing that an upstream sends unasked is ever taken for an answer.
 */
export class UpstreamPool {
  readonly #idle = new Map<string, Upstream[]>();
  readonly #dial: DialOptions;
  readonly #limits: Limits;
  readonly #clock: DeadlineClock;
  #idleCount = 0;

  constructor(dialOptions: DialOptions, limits: Limits, clock: DeadlineClock) {
    this.#dial = dialOptions;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Idle connections now. */
  get idleCount(): number {
    return this.#idleCount;
  }

  /** An idle connection under the key, or a new one to the destination; always a new one when `isFresh`. */
  acquire(poolKey: string, destination: Destination, isFresh: boolean): Upstream | Promise<Upstream | Refusal> {
    if (!isFresh) {
      const idle = this.#takeIdle(poolKey);
      if (idle) return idle;
    }
    return this.#connect(poolKey, destination);
  }

  /** Gives a connection back after a whole exchange. */
  release(upstream: Upstream): void {
    const { reader, socket, poolKey } = upstream;
    const idle = this.#idle.get(poolKey) ?? [];
    const isUsable = !socket.destroyed && !reader.ending && reader.queuedBytes === 0;
    if (!isUsable || idle.length >= this.#limits.maxPooledPerOrigin || this.#idleCount >= this.#limits.maxPooled) {
      this.discard(upstream);
      return;
    }
    upstream.isReused = true;
    reader.onBytes = () => this.#dropIdle(upstream);
    reader.onEnding = () => this.#dropIdle(upstream);
    upstream.deadline.cap(Number.POSITIVE_INFINITY);
    upstream.deadline.extend(this.#limits.pooledIdleMs);
    idle.push(upstream);
    this.#idle.set(poolKey, idle);
    this.#idleCount++;
  }

  /** Ends a connection that must not be used again. */
  discard(upstream: Upstream): void {
    upstream.deadline.clear();
    upstream.socket.destroy();
  }

  /** Ends all idle connections. */
  close(): void {
    for (const idle of this.#idle.values()) for (const upstream of idle) this.discard(upstream);
    this.#idle.clear();
    this.#idleCount = 0;
  }

  #takeIdle(poolKey: string): Upstream | undefined {
    const idle = this.#idle.get(poolKey);
    const upstream = idle?.pop();
    if (!idle || !upstream) return undefined;
    if (idle.length === 0) this.#idle.delete(poolKey);
    this.#idleCount--;
    upstream.reader.onBytes = undefined;
    upstream.reader.onEnding = undefined;
    return upstream;
  }

  #dropIdle(upstream: Upstream): void {
    const idle = this.#idle.get(upstream.poolKey);
    const index = idle?.indexOf(upstream) ?? -1;
    if (idle && index !== -1) {
      idle.splice(index, 1);
      this.#idleCount--;
      if (idle.length === 0) this.#idle.delete(upstream.poolKey);
    }
    upstream.reader.onBytes = undefined;
    upstream.reader.onEnding = undefined;
    this.discard(upstream);
  }

  async #connect(poolKey: string, destination: Destination): Promise<Upstream | Refusal> {
    const dialled = await dial(destination, this.#dial);
    return dialled.kind === 'refused' ? dialled : this.adopt(poolKey, dialled.socket);
  }

  /** Makes a connection of a socket just dialled. */
  adopt(poolKey: string, socket: Socket): Upstream {
    const reader = new SocketReader(socket);
    const upstream: Upstream = {
      socket,
      reader,
      deadline: this.#clock.deadline(() => {
        upstream.hasTimedOut = true;
        socket.destroy();
      }),
      poolKey,
      isReused: false,
      hasTimedOut: false,
      readHead: () => reader.readHead(parseResponseHead, this.#limits.head),
      payloadOf: framedPayload,
    };
    socket.once('close', () => upstream.deadline.clear());
    return upstream;
  }
}

/** A payload framed as HTTP/1.1 frames it. */
function framedPayload(head: ResponseHead, method: string): Payload | WireFault {
  const framing = responseFraming(head, method);
  return framing.kind === 'fault' ? framing : { framing, body: new BodyReader(framing) };
}
