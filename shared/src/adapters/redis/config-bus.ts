import type { Redis } from 'ioredis';
import type { ConfigBus } from '../../ports/config-bus.ts';
import type { RedisSettings } from '../../redis-settings.ts';
import { beforeDeadline, orAfter } from '../before-deadline.ts';
import { pauseUntil } from '../pause-until.ts';
import { readSignedRevision, signRevision } from '../signed-revision.ts';
import { openNode } from './open-redis.ts';

const answerTimeoutMs = 2_000;
const closeTimeoutMs = 2_000;
const firstRetryMs = 50;
const maxRetryMs = 1_000;
/** A listening connection is silent for hours: a dead peer shows only when something is asked of it. */
const probeIntervalMs = 5_000;
const maxBytesPerSecond = 1024 * 1024;
/** More in a second are not looked at: what they might have told is found by looking at the store. */
const maxMessagesPerSecond = 500;

export interface RedisConfigBusOptions {
  readonly settings: RedisSettings;
  /** The instance's own, see `redisPrefix`. */
  readonly prefix: string;
  /** The 32-byte key derived for `bus-mac`. */
  readonly key: Buffer;
}

/**
 * Announces revisions by PUBLISH, signed. On a cluster too a message reaches the subscribers of every node, so that one node, whichever can
 * be reached, is enough on either side.
 */
export class RedisConfigBus implements ConfigBus {
  readonly #options: RedisConfigBusOptions;
  readonly #channel: string;
  readonly #closing = new AbortController();
  readonly #listening = new Set<Promise<void>>();
  #announcer: Promise<Redis> | undefined;
  #turn = 0;

  constructor(options: RedisConfigBusOptions) {
    this.#options = options;
    this.#channel = `${options.prefix}:revision`;
  }

  /** @throws Error within seconds when no node takes it, or after `close` */
  async announce(revision: number): Promise<void> {
    if (this.#closing.signal.aborted) throw new Error('The bus is closed');
    const message = signRevision(this.#options.key, revision);
    await beforeDeadline('announcing a revision', answerTimeoutMs, async () => {
      try {
        await this.#publish(message);
      } catch {
        // A connection that nobody needed for hours may be gone: once more, by another one, or to another node.
        await this.#publish(message);
      }
    });
  }

  /** Resolves when `signal` aborts or the bus closes. */
  async listen(heard: (revision: number) => void, signal: AbortSignal): Promise<void> {
    const listening = this.#listenUntil(heard, AbortSignal.any([signal, this.#closing.signal]));
    this.#listening.add(listening);
    try {
      await listening;
    } finally {
      this.#listening.delete(listening);
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#drop(this.#announcer);
    await orAfter(closeTimeoutMs, Promise.all(this.#listening));
  }

  async #publish(message: string): Promise<void> {
    const announcer = (this.#announcer ??= this.#connectAnnouncer());
    try {
      await (await announcer).publish(this.#channel, message);
    } catch (error) {
      this.#drop(announcer);
      throw error;
    }
  }

  async #connectAnnouncer(): Promise<Redis> {
    const client = this.#open('announcer');
    await client.connect();
    if (this.#closing.signal.aborted) client.disconnect();
    return client;
  }

  #drop(announcer: Promise<Redis> | undefined): void {
    if (this.#announcer === announcer) this.#announcer = undefined;
    announcer?.then(
      (client) => client.disconnect(),
      // It never came to be: there is nothing to end.
      () => undefined,
    );
  }

  async #listenUntil(heard: (revision: number) => void, signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      const wasListening = await this.#listenOnce(heard, signal);
      retryMs = wasListening ? firstRetryMs : Math.min(retryMs * 2, maxRetryMs);
      await pauseUntil(retryMs, signal);
    }
  }

  /** One connection's life. Tells whether it ever listened; that it broke is no news: the caller connects again. */
  async #listenOnce(heard: (revision: number) => void, signal: AbortSignal): Promise<boolean> {
    const client = this.#open('listener');
    const broken = new AbortController();
    client.on('end', () => broken.abort());
    const perSecond = new SecondsBudget(maxMessagesPerSecond);
    client.on('message', (_channel, message) => {
      if (!perSecond.take()) return;
      const revision = readSignedRevision(this.#options.key, message);
      if (revision !== undefined && !signal.aborted) heard(revision);
    });
    let isListening = false;
    try {
      await beforeDeadline('subscribing', answerTimeoutMs, async () => {
        await client.connect();
        await client.subscribe(this.#channel);
      });
      isListening = true;
      await probeUntil(client, AbortSignal.any([signal, broken.signal]));
    } catch {
      // Connecting, subscribing or probing failed: all three mean that this connection is over.
    }
    client.disconnect();
    return isListening;
  }

  #open(name: string): Redis {
    const { settings } = this.#options;
    return openNode(settings, { name: `onecli-${name}`, silentMs: answerTimeoutMs, maxBytesPerSecond }, this.#turn++);
  }
}

/** So many a second, and no more. */
class SecondsBudget {
  readonly #perSecond: number;
  #second = 0;
  #taken = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  take(): boolean {
    const now = Math.floor(performance.now() / 1000);
    this.#taken = now === this.#second ? this.#taken + 1 : 1;
    this.#second = now;
    return this.#taken <= this.#perSecond;
  }
}

async function probeUntil(client: Redis, signal: AbortSignal): Promise<void> {
  for (;;) {
    await pauseUntil(probeIntervalMs, signal);
    if (signal.aborted) return;
    await client.ping();
  }
}
