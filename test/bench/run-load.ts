import { once } from 'node:events';
import { cpuMicros } from '../support/process-facts.ts';
import { endOwned, forkOwned } from './owned-processes.ts';
import type { LoadMessage, LoadOrder, LoadResult } from './workload.ts';

/** A load's result with the CPU time that each watched process used meanwhile, in microseconds. */
export interface MeasuredLoad extends LoadResult {
  cpuMicrosOf: Map<number, number>;
}

/** Runs one load in a process of its own and reads the CPU clocks of `pids` around its measured part. */
export async function runLoad(order: LoadOrder, pids: readonly number[]): Promise<MeasuredLoad> {
  const generator = forkOwned(new URL('load-generator.ts', import.meta.url), []);
  const before = new Map<number, number>();
  try {
    generator.send(order);
    for (;;) {
      const message = await nextMessage(generator, order.warmUpMs + order.maxDurationMs + 30_000);
      if (message.kind === 'measuring') for (const pid of pids) before.set(pid, cpuMicros(pid));
      else
        return {
          ...message.result,
          cpuMicrosOf: new Map(pids.map((pid) => [pid, cpuMicros(pid) - (before.get(pid) ?? 0)])),
        };
    }
  } finally {
    await endOwned(generator);
  }
}

async function nextMessage(generator: ReturnType<typeof forkOwned>, timeoutMs: number): Promise<LoadMessage> {
  const timeUp = AbortSignal.timeout(timeoutMs);
  const ended = once(generator, 'exit', { signal: timeUp }).then(() => {
    throw new Error('the load generator ended without a result');
  });
  const message = once(generator, 'message', { signal: timeUp }) as Promise<[LoadMessage]>;
  ended.catch(() => undefined);
  const [first] = await Promise.race([message, ended]);
  return first;
}
