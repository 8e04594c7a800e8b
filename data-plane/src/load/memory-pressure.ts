/**
 * When a worker's memory nears its limit it takes on no more: first no new tunnels, then no more requests on those that
 * are open. Looked at once a second, so that asking costs a comparison.
 */
import { getHeapStatistics } from 'node:v8';

/** Bytes in use and what they may not pass. */
export interface MemoryFacts {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
}

export interface MemoryPressureOptions {
  /** Resident memory that the process should not pass. */
  readonly maxBytes: number;
  /** Connections that are open now. */
  readonly connectionCount: () => number;
  readonly read?: () => MemoryFacts;
  readonly lookEveryMs?: number;
}

export type PressureLevel = 'low' | 'high' | 'critical';

/** Shares of the limit. Pressure is over a little below where it began, so that it does not flicker. */
const highShare = 0.8;
const lowShare = 0.75;
const criticalShare = 0.92;
/**
 * Freed memory does not always go back to the system. So few connections and requests are let in whatever is measured:
 * a worker must not refuse for ever what it could well do.
 */
const alwaysConnections = 64;
const alwaysRequests = 16;

export class MemoryPressure {
  readonly #options: MemoryPressureOptions;
  readonly #read: () => MemoryFacts;
  readonly #timer: NodeJS.Timeout;
  #level: PressureLevel = 'low';
  #maxConnections = Number.POSITIVE_INFINITY;
  #peakShare = 0;

  constructor(options: MemoryPressureOptions) {
    this.#options = options;
    this.#read = options.read ?? readMemory;
    this.#timer = setInterval(() => this.look(), options.lookEveryMs ?? 1000);
    this.#timer.unref();
  }

  get level(): PressureLevel {
    return this.#level;
  }

  /** May a tunnel be opened? Under pressure only as many as there were when memory last grew. */
  get hasRoomForTunnel(): boolean {
    return this.#level === 'low' || this.#options.connectionCount() < this.#maxConnections;
  }

  /** May a request be served while `underway` others are? */
  hasRoomForRequest(underway: number): boolean {
    return this.#level !== 'critical' || underway <= alwaysRequests;
  }

  /** Measures, and decides until the next look. */
  look(): void {
    const { residentBytes, heapBytes, heapLimitBytes } = this.#read();
    const share = Math.max(residentBytes / this.#options.maxBytes, heapBytes / heapLimitBytes);
    if (share < lowShare || (share < highShare && this.#level === 'low')) {
      this.#level = 'low';
      this.#peakShare = 0;
      this.#maxConnections = Number.POSITIVE_INFINITY;
      return;
    }
    this.#level = share >= criticalShare ? 'critical' : 'high';
    // While memory grows, so many connections are too many. When it does not, as many as there were may come again.
    if (share <= this.#peakShare) return;
    this.#peakShare = share;
    const most = Math.floor(this.#options.connectionCount() * 0.9);
    this.#maxConnections = Math.max(alwaysConnections, Math.min(this.#maxConnections, most));
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function readMemory(): MemoryFacts {
  const heap = getHeapStatistics();
  return {
    residentBytes: process.memoryUsage.rss(),
    heapBytes: heap.used_heap_size,
    heapLimitBytes: heap.heap_size_limit,
  };
}
