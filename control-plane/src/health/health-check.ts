import { setTimeout } from 'node:timers/promises';
import type { DataSource } from 'typeorm';

export type ComponentState = 'up' | 'down';

/** How the process is. `ok`: it should get traffic. */
export interface Health {
  readonly status: 'ok' | 'unavailable' | 'draining';
  readonly revision: number | null;
  readonly database: ComponentState;
  readonly bus: ComponentState;
  readonly queue: ComponentState;
}

export interface HealthSources {
  readonly database: DataSource;
  readonly isConsuming: () => boolean;
  /** Of a bus and a queue that do not lie in the database; undefined when they do. */
  readonly isRedisReachable?: () => boolean | undefined;
  readonly revisionSeen: (revision: number) => void;
}

const timeoutMs = 2_000;
const freshForMs = 500;
const abandonedAfterMs = 10_000;

/** Looks whether what this process stands on is there. Those who ask at the same time share one look. */
export class HealthCheck {
  readonly #sources: HealthSources;
  #isDraining = false;
  #asking: { readonly revision: Promise<number | undefined>; readonly sinceMs: number } | undefined;
  #last: { readonly health: Promise<Health>; readonly atMs: number } | undefined;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  /** From now on it says that it should get no traffic. */
  drain(): void {
    this.#isDraining = true;
    this.#last = undefined;
  }

  /** How it is, at most half a second old. */
  look(): Promise<Health> {
    const nowMs = performance.now();
    if (this.#last === undefined || nowMs - this.#last.atMs > freshForMs)
      this.#last = { health: this.#look(), atMs: nowMs };
    return this.#last.health;
  }

  async #look(): Promise<Health> {
    const revision = await this.#revision();
    const database = revision === undefined ? 'down' : 'up';
    if (revision !== undefined) this.#sources.revisionSeen(revision);
    const isUp = database === 'up';
    const isRedisUp = this.#sources.isRedisReachable?.() ?? isUp;
    return {
      status: this.#isDraining ? 'draining' : isUp ? 'ok' : 'unavailable',
      revision: revision ?? null,
      database,
      // Both live in the database or in Redis, and connect again by themselves: without them a process does its work all the same.
      bus: isRedisUp ? 'up' : 'down',
      queue: isUp && isRedisUp && this.#sources.isConsuming() ? 'up' : 'down',
    };
  }

  async #revision(): Promise<number | undefined> {
    const patience = new AbortController();
    try {
      return await Promise.race([this.#ask(), after(timeoutMs, patience.signal)]);
    } finally {
      patience.abort();
    }
  }

  /** A database that hangs is asked once in ten seconds, however often somebody looks. */
  #ask(): Promise<number | undefined> {
    const nowMs = performance.now();
    if (this.#asking === undefined || nowMs - this.#asking.sinceMs > abandonedAfterMs) {
      const asking = { revision: this.#readRevision(), sinceMs: nowMs };
      this.#asking = asking;
      void asking.revision.finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    }
    return this.#asking.revision;
  }

  async #readRevision(): Promise<number | undefined> {
    try {
      const rows: { revision: string }[] = await this.#sources.database.query('SELECT revision FROM config_state');
      return rows[0] === undefined ? undefined : Number(rows[0].revision);
    } catch {
      // That it failed is the finding: the database is down.
      return undefined;
    }
  }
}

/** Resolves after a time, or when it is no longer waited for. */
async function after(ms: number, signal: AbortSignal): Promise<undefined> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch {
    // Aborted: nobody waits any more.
  }
  return undefined;
}
