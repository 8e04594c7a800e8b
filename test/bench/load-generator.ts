// A process of its own: takes a LoadOrder by IPC, loads the engine, says when the measured part begins and ends.
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { LoadConnection } from './load-connection.ts';
import type { LoadMessage, LoadOrder, LoadResult } from './workload.ts';

/** Latencies and failures of the measured part. */
class Tally {
  readonly latenciesMs: number[] = [];
  errors = 0;
  firstError: string | undefined;
  isMeasuring = false;
  startedAt = 0;

  constructor(readonly order: LoadOrder) {}

  begin(): void {
    this.isMeasuring = true;
    this.startedAt = performance.now();
    tell({ kind: 'measuring' });
  }

  get isOver(): boolean {
    if (!this.isMeasuring) return false;
    const isLongEnough = performance.now() - this.startedAt >= this.order.maxDurationMs;
    return isLongEnough || this.latenciesMs.length >= this.order.maxRequests || this.errors > 100;
  }

  async time(work: () => Promise<void>): Promise<void> {
    const wasMeasuring = this.isMeasuring;
    const startedAt = performance.now();
    try {
      await work();
      if (wasMeasuring) this.latenciesMs.push(performance.now() - startedAt);
    } catch (error) {
      this.errors += 1;
      this.firstError ??= (error as Error).message;
    }
  }

  result(): LoadResult {
    const seconds = (performance.now() - this.startedAt) / 1000;
    const sorted = Float64Array.from(this.latenciesMs).sort();
    const quantile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return {
      requests: sorted.length,
      errors: this.errors,
      seconds,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      ...(this.firstError !== undefined && { firstError: this.firstError }),
    };
  }
}

function tell(message: LoadMessage): void {
  process.send?.(message);
}

async function openConnections(order: LoadOrder): Promise<LoadConnection[]> {
  const connections: LoadConnection[] = [];
  for (let index = 0; index < order.load.connections; index += 1) {
    const connection = new LoadConnection(order);
    if (!order.load.isNewConnectionEach) await connection.open();
    connections.push(connection);
  }
  return connections;
}

/** Each connection asks again as soon as it has its answer. */
async function runClosedLoop(order: LoadOrder, tally: Tally): Promise<void> {
  const connections = await openConnections(order);
  const timer = setTimeout(() => tally.begin(), order.warmUpMs);
  await Promise.all(
    connections.map(async (first) => {
      let connection = first;
      while (!tally.isOver && tally.errors <= 100) {
        if (!order.load.isNewConnectionEach) {
          await tally.time(() => connection.ask());
          continue;
        }
        connection = new LoadConnection(order);
        await tally.time(async () => {
          await connection.open();
          await connection.ask();
        });
        connection.close();
      }
    }),
  );
  clearTimeout(timer);
  for (const connection of connections) connection.close();
}

/** Requests start at a fixed rate whether or not earlier ones have been answered; waiting for a free connection counts. */
async function runOpenLoop(order: LoadOrder, requestsPerSecond: number, tally: Tally): Promise<void> {
  const free = await openConnections(order);
  const waiting: ((connection: LoadConnection) => void)[] = [];
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let launched = 0;

  async function launch(): Promise<void> {
    await tally.time(async () => {
      const connection = free.pop() ?? (await new Promise<LoadConnection>((resolve) => waiting.push(resolve)));
      await connection.ask();
      const next = waiting.shift();
      if (next === undefined) free.push(connection);
      else next(connection);
    });
  }
  while (!tally.isOver && tally.errors <= 100) {
    const elapsedMs = performance.now() - startedAt;
    if (!tally.isMeasuring && elapsedMs > order.warmUpMs) tally.begin();
    for (const due = (elapsedMs / 1000) * requestsPerSecond; launched < due; launched += 1) {
      const one = launch().finally(() => running.delete(one));
      running.add(one);
    }
    await pause(1);
  }
  await Promise.race([Promise.all(running), pause(2_000)]);
  for (const connection of free) connection.close();
}

process.once('message', (order: LoadOrder) => {
  const tally = new Tally(order);
  const run =
    order.requestsPerSecond === undefined
      ? runClosedLoop(order, tally)
      : runOpenLoop(order, order.requestsPerSecond, tally);
  run
    .catch((error: unknown) => {
      tally.errors += 1;
      tally.firstError ??= (error as Error).message;
    })
    .finally(() => {
      if (!tally.isMeasuring) tally.begin();
      tell({ kind: 'done', result: tally.result() });
      process.disconnect();
    });
});
