import type { WorkerLoad } from '@onecli/shared/ports/snapshot-source';

/** What is measured, each as it is now. */
export interface LoadSources {
  /** Requests answered since the start. */
  readonly requests: () => number;
  readonly connections: () => number;
  /** Bytes that the audit spool holds. */
  readonly spoolBytes: () => number;
  readonly nowMs?: () => number;
  /** CPU time of this process since its start, in microseconds. */
  readonly cpuMicros?: () => number;
  readonly memoryBytes?: () => number;
}

/** A shorter time says little: what was measured before is told again. */
const shortestMs = 1_000;

/** How much a worker has to do, on the average of the time since it was last asked. */
export class LoadMeter {
  readonly #sources: Required<LoadSources>;
  #before: { readonly ms: number; readonly requests: number; readonly cpuMicros: number };
  #rates = { requestsPerSecond: 0, cpuShare: 0 };

  constructor(sources: LoadSources) {
    this.#sources = {
      nowMs: () => performance.now(),
      cpuMicros: () => {
        const { user, system } = process.cpuUsage();
        return user + system;
      },
      memoryBytes: () => process.memoryUsage.rss(),
      ...sources,
    };
    this.#before = this.#counts();
  }

  measure(): WorkerLoad {
    const now = this.#counts();
    const ms = now.ms - this.#before.ms;
    if (ms >= shortestMs) {
      this.#rates = {
        requestsPerSecond: rounded(((now.requests - this.#before.requests) * 1000) / ms),
        cpuShare: rounded((now.cpuMicros - this.#before.cpuMicros) / 1000 / ms),
      };
      this.#before = now;
    }
    const { connections, memoryBytes, spoolBytes } = this.#sources;
    return { ...this.#rates, connections: connections(), memoryBytes: memoryBytes(), spoolBytes: spoolBytes() };
  }

  #counts() {
    const { nowMs, requests, cpuMicros } = this.#sources;
    return { ms: nowMs(), requests: requests(), cpuMicros: cpuMicros() };
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
