import { Client, Pool } from 'pg';
import type { ConfigBus } from '../../ports/config-bus.ts';
import { orAfter } from '../before-deadline.ts';
import { pauseUntil } from '../pause-until.ts';
import { readSignedRevision, signRevision } from '../signed-revision.ts';

const channel = 'onecli_config';
const connectTimeoutMs = 2_000;
const queryTimeoutMs = 2_000;
const closeTimeoutMs = 2_000;
const firstRetryMs = 50;
const maxRetryMs = 2_000;
/** A listening connection is silent for hours: a dead peer shows only when something is asked of it. */
const probeIntervalMs = 15_000;

export interface PostgresConfigBusOptions {
  readonly connectionString: string;
  /** The 32-byte key derived for `bus-mac`. */
  readonly key: Buffer;
}

/** Announces revisions with NOTIFY, signed. */
export class PostgresConfigBus implements ConfigBus {
  readonly #connectionString: string;
  readonly #key: Buffer;
  readonly #announcer: Pool;
  readonly #closing = new AbortController();
  readonly #listening = new Set<Promise<void>>();

  constructor(options: PostgresConfigBusOptions) {
    this.#connectionString = options.connectionString;
    this.#key = options.key;
    this.#announcer = new Pool({
      connectionString: options.connectionString,
      application_name: 'onecli-bus',
      max: 1,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      allowExitOnIdle: true,
    });
    // An idle connection that breaks is dropped by the pool; the next announcement opens another or throws.
    this.#announcer.on('error', () => undefined);
  }

  async announce(revision: number): Promise<void> {
    await this.#announcer.query('SELECT pg_notify($1, $2)', [channel, signRevision(this.#key, revision)]);
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
    await Promise.all(this.#listening);
    await orAfter(closeTimeoutMs, this.#announcer.end());
  }

  async #listenUntil(heard: (revision: number) => void, signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      const wasConnected = await this.#listenOnce(heard, signal);
      retryMs = wasConnected ? firstRetryMs : Math.min(retryMs * 2, maxRetryMs);
      await pauseUntil(retryMs, signal);
    }
  }

  /** One connection's life. Tells whether it ever listened; that it broke is no news: the caller connects again. */
  async #listenOnce(heard: (revision: number) => void, signal: AbortSignal): Promise<boolean> {
    const client = new Client({
      connectionString: this.#connectionString,
      application_name: 'onecli-bus-listener',
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
    });
    const broken = new AbortController();
    client.on('error', () => broken.abort());
    client.on('end', () => broken.abort());
    client.on('notification', (notification) => {
      const revision = readSignedRevision(this.#key, notification.payload ?? '');
      if (revision !== undefined && !signal.aborted) heard(revision);
    });
    let isListening = false;
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      isListening = true;
      await probeUntil(client, AbortSignal.any([signal, broken.signal]));
    } catch {
      // Connecting, listening or probing failed: all three mean that this connection is over.
    }
    await orAfter(closeTimeoutMs, client.end());
    return isListening;
  }
}

async function probeUntil(client: Client, signal: AbortSignal): Promise<void> {
  for (;;) {
    await pauseUntil(probeIntervalMs, signal);
    if (signal.aborted) return;
    await client.query('SELECT 1');
  }
}
