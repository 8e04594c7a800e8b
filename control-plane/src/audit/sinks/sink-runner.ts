import type { DataSource } from 'typeorm';
import type { LeaderJob } from '../../leadership/leader-jobs.ts';
import type { AuditStore, WritePlace } from '../audit-store.ts';
import type { Sink } from './sink.ts';

const lookEveryMs = 1_000;
const sendTimeoutMs = 60_000;
const maxBackOffMs = 300_000;

export interface SinkRunnerOptions {
  readonly database: DataSource;
  readonly store: Pick<AuditStore, 'since' | 'writePlace'>;
  readonly sinks: readonly Sink[];
  readonly log: { warn(fields: object, message: string): void };
  readonly sent: (sink: string, events: number) => void;
  readonly failed: (sink: string) => void;
  /** First pause after a failure; it doubles up to five minutes. */
  readonly backOffMs?: number;
}

/**
 * Sends events to the sinks in the order in which they were written: a job of the leader for each. How far a sink is stands in the
 * database, and moves on when the sink has taken a batch: nothing is left out, and what was under way when a process ended comes again.
 */
export class SinkRunner {
  readonly #options: SinkRunnerOptions;

  constructor(options: SinkRunnerOptions) {
    this.#options = options;
  }

  /** One for each sink, so that none waits for another. */
  get jobs(): LeaderJob[] {
    return this.#options.sinks.map((sink) => {
      const failures = { count: 0 };
      const look = (signal: AbortSignal) => this.#look(sink, failures, signal);
      return { name: `sink:${sink.name}`, everyMs: lookEveryMs, look };
    });
  }

  close(): void {
    for (const sink of this.#options.sinks) sink.close();
  }

  /** Sends what is there, batch after batch. @returns how many events @throws what the sink throws */
  async drain(sink: Sink, signal: AbortSignal): Promise<number> {
    let count = 0;
    while (!signal.aborted) {
      const sent = await this.#sendBatch(sink, signal);
      count += sent;
      if (sent < sink.batchSize) break;
    }
    return count;
  }

  /** Gives how long to wait before the next try. */
  async #look(sink: Sink, failures: { count: number }, signal: AbortSignal): Promise<number> {
    const { log, failed, backOffMs = 1_000 } = this.#options;
    try {
      await this.drain(sink, signal);
      failures.count = 0;
      return lookEveryMs;
    } catch (error) {
      if (signal.aborted) return 0;
      failed(sink.name);
      if (failures.count === 0)
        log.warn({ err: error, sink: sink.name }, 'audit events could not be sent; it goes on trying');
      failures.count += 1;
      return Math.min(backOffMs * 2 ** (failures.count - 1), maxBackOffMs);
    }
  }

  async #sendBatch(sink: Sink, signal: AbortSignal): Promise<number> {
    const { store, sent } = this.#options;
    const place = await this.#placeOf(sink.name);
    const { items, next } = await store.since({}, place, { limit: sink.batchSize, reach: '*' });
    if (items.length > 0) {
      const ending = AbortSignal.any([signal, AbortSignal.timeout(sendTimeoutMs)]);
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
