import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { Leadership } from '../../rotation/leadership.ts';
import type { AuditStore, WritePlace } from '../audit-store.ts';
import type { Sink } from './sink.ts';

const lookEveryMs = 1_000;
const sendTimeoutMs = 60_000;
const maxBackOffMs = 300_000;

export interface SinkRunnerOptions {
  readonly database: DataSource;
  readonly store: Pick<AuditStore, 'since' | 'writePlace'>;
  readonly sinks: readonly Sink[];
  readonly leadership: Leadership;
  readonly log: { warn(fields: object, message: string): void };
  readonly sent: (sink: string, events: number) => void;
  readonly failed: (sink: string) => void;
  /** First pause after a failure; it doubles up to five minutes. */
  readonly backOffMs?: number;
}

/**
 * Sends events to the sinks in the order in which they were written, in one control plane at a time. How far a sink is stands in the
 * database, and moves on when the sink has taken a batch: nothing is left out, and what was under way when a process ended comes again.
 */
export class SinkRunner {
  readonly #options: SinkRunnerOptions;
  readonly #stopping = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(options: SinkRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#loops.length === 0) this.#loops = this.#options.sinks.map((sink) => this.#run(sink));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
    for (const sink of this.#options.sinks) sink.close();
    await this.#options.leadership.release();
  }

  /** Sends what is there, batch after batch. @returns how many events @throws what the sink throws */
  async drain(sink: Sink): Promise<number> {
    let count = 0;
    while (!this.#stopping.signal.aborted) {
      const sent = await this.#sendBatch(sink);
      count += sent;
      if (sent < sink.batchSize) break;
    }
    return count;
  }

  async #run(sink: Sink): Promise<void> {
    const { leadership, log, failed, backOffMs = 1_000 } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (await leadership.isHeld()) await this.drain(sink);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failed(sink.name);
        if (failures === 0)
          log.warn({ err: error, sink: sink.name }, 'audit events could not be sent; it goes on trying');
        failures += 1;
      }
      const waitMs = failures === 0 ? lookEveryMs : Math.min(backOffMs * 2 ** (failures - 1), maxBackOffMs);
      await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sendBatch(sink: Sink): Promise<number> {
    const { store, sent } = this.#options;
    const place = await this.#placeOf(sink.name);
    const { items, next } = await store.since({}, place, { limit: sink.batchSize, reach: '*' });
    if (items.length > 0) {
      const ending = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(sendTimeoutMs)]);
      await sink.send(items, `${place.transaction}-${place.place}`, ending);
      sent(sink.name, items.length);
    }
    await this.#keepPlace(sink.name, next);
    return items.length;
  }

  /** A sink that is new begins with what is written from now on. */
  async #placeOf(name: string): Promise<WritePlace> {
    const { database, store } = this.#options;
    const [row] = await database.query<WritePlace[]>('SELECT transaction, place FROM audit_sink WHERE name = $1', [
      name,
    ]);
    if (row !== undefined) return row;
    const now = await store.writePlace(undefined);
    await this.#keepPlace(name, now);
    return now;
  }

  async #keepPlace(name: string, { transaction, place }: WritePlace): Promise<void> {
    await this.#options.database.query(
      `INSERT INTO audit_sink (name, transaction, place) VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET transaction = excluded.transaction, place = excluded.place, moved_at = now()
       WHERE (audit_sink.transaction, audit_sink.place) < (excluded.transaction, excluded.place)`,
      [name, transaction, place],
    );
  }
}
