import { once } from 'node:events';
import { endOwned, forkOwned } from './owned-processes.ts';
import type { LoadMessage, LoadOrder, LoadResult } from './workload.ts';

/** CPU clocks by name, in microseconds. */
export type CpuClocks = Record<string, () => number>;

/** A load's result with what each CPU clock went on meanwhile, in microseconds. */
export interface MeasuredLoad extends LoadResult {
  cpuMicros: Record<string, number>;
}

/** Runs one load in a process of its own and reads the clocks around its measured part. */
export async function runLoad(order: LoadOrder, clocks: CpuClocks): Promise<MeasuredLoad> {
  const generator = forkOwned(new URL('load-generator.ts', import.meta.url), []);
  let before: Record<string, number> = {};
  try {
    generator.send(order);
    for (;;) {
      const message = await nextMessage(generator, order.warmUpMs + order.maxDurationMs + 30_000);
      if (message.kind === 'measuring') before = readClocks(clocks);
      else {
        const after = Object.entries(readClocks(clocks));
        const cpuMicros = Object.fromEntries(after.map(([name, micros]) => [name, micros - (before[name] ?? 0)]));
        return { ...message.result, cpuMicros };
      }
    }
  } finally {
    await endOwned(generator);
  }
}

export function readClocks(clocks: CpuClocks): Record<string, number> {
  return Object.fromEntries(Object.entries(clocks).map(([name, read]) => [name, read()]));
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
