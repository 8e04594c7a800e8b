import { LRUCache } from 'lru-cache';
import type { Refusal } from '../proxy/answer.ts';
import type { DeadlineClock } from '../proxy/deadline.ts';
import { type Destination, type DialOptions, type Dialled, dial } from '../proxy/dial.ts';
import type { Limits } from '../proxy/limits.ts';
import type { Upstream, UpstreamPool } from '../proxy/upstream-pool.ts';
import { UpstreamSession } from './upstream-session.ts';

/** How long an origin is taken to speak HTTP/1.1 alone after it has chosen it. */
const http1MemoryMs = 10 * 60_000;
const maxHttp1Origins = 1000;

/**
 * HTTP/2 connections by agent and origin, for agents that speak it themselves. Upstreams choose: to those that choose
 * HTTP/1.1 requests go by the other pool. One dial at a time for a key: the requests that wait for it share what it brings.
 */
export class UpstreamSessions {
  readonly #open = new Map<string, Set<UpstreamSession>>();
  readonly #dialling = new Map<string, Promise<Dialled>>();
  readonly #http1Origins = new LRUCache<string, true>({ max: maxHttp1Origins, ttl: http1MemoryMs });
  readonly #dial: DialOptions;
  readonly #pool: UpstreamPool;
  readonly #limits: Limits;
  readonly #clock: DeadlineClock;
  /** All that are open. */
  #count = 0;

  constructor(dialOptions: DialOptions, pool: UpstreamPool, limits: Limits, clock: DeadlineClock) {
    this.#dial = { ...dialOptions, protocols: ['h2', 'http/1.1'] };
    this.#pool = pool;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Connections without a stream now. */
  get idleCount(): number {
    let count = 0;
    for (const sessions of this.#open.values()) for (const session of sessions) if (session.isIdle) count++;
    return count;
  }

  /**
   * A connection under the key on which room for a stream was kept, or an HTTP/1.1 connection where the destination
   * speaks that; `isFresh` asks for an HTTP/1.1 connection that was not used before.
   */
  async acquire(
    poolKey: string,
    destination: Destination,
    isFresh: boolean,
  ): Promise<UpstreamSession | Upstream | Refusal> {
    const origin = `${destination.host}:${destination.port}`;
    for (;;) {
      if (!destination.isSecure || this.#http1Origins.has(origin))
        return await this.#pool.acquire(poolKey, destination, isFresh);
      const open = this.#withRoom(poolKey);
      if (open) return open;
      const dialling = this.#dialling.get(poolKey);
      if (!dialling) return await this.#connect(poolKey, destination, origin);
      const dialled = await dialling;
      if (dialled.kind === 'refused') return dialled;
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const sessions of this.#open.values()) for (const session of sessions) session.destroy();
  }

  #withRoom(poolKey: string): UpstreamSession | undefined {
    for (const session of this.#open.get(poolKey) ?? []) if (session.reserve()) return session;
    return undefined;
  }

  async #connect(
    poolKey: string,
    destination: Destination,
    origin: string,
  ): Promise<UpstreamSession | Upstream | Refusal> {
    const dialling = dial(destination, this.#dial);
    this.#dialling.set(poolKey, dialling);
    const dialled = await dialling;
    this.#dialling.delete(poolKey);
    if (dialled.kind === 'refused') return dialled;
    if (!dialled.isHttp2) {
      this.#http1Origins.set(origin, true);
      return this.#pool.adopt(poolKey, dialled.socket);
    }
    const session = new UpstreamSession(
      dialled.socket,
      poolKey,
      this.#limits,
      this.#clock,
      (ended) => this.#forget(ended),
      (idle) => this.#mayIdle(idle),
    );
    this.#count++;
    const sessions = this.#open.get(poolKey) ?? new Set();
    this.#open.set(poolKey, sessions.add(session));
    session.reserve();
    return session;
  }

  /** Upstreams decide how many streams one takes: as with HTTP/1.1, no more than so many are kept for what may come. */
  #mayIdle({ poolKey }: UpstreamSession): boolean {
    const { maxPooled, maxPooledPerOrigin } = this.#limits;
    return this.#count <= maxPooled && (this.#open.get(poolKey)?.size ?? 0) <= maxPooledPerOrigin;
  }

  #forget(session: UpstreamSession): void {
    const sessions = this.#open.get(session.poolKey);
    if (!sessions?.delete(session)) return;
    this.#count--;
    if (sessions.size === 0) this.#open.delete(session.poolKey);
  }
}
