/** How finely traffic is counted ahead of the question, and for how long that is kept. What is older is counted from the events. */

/** `all`: every request together. */
export type TrafficKind = 'all' | 'agent' | 'host';

interface Grain {
  readonly kind: TrafficKind;
  readonly seconds: number;
  readonly keptDays: number;
}

/** Of names there are many, each with its latencies: they are kept for less long. */
export const grains: readonly Grain[] = [
  { kind: 'all', seconds: 60, keptDays: 3 },
  { kind: 'all', seconds: 3_600, keptDays: 91 },
  { kind: 'agent', seconds: 900, keptDays: 2 },
  { kind: 'agent', seconds: 3_600, keptDays: 9 },
  { kind: 'host', seconds: 900, keptDays: 2 },
  { kind: 'host', seconds: 3_600, keptDays: 9 },
];

const dayMs = 86_400_000;

/**
 * The grain, in seconds, whose counts from a time on are there: the coarsest that fits into steps of `stepMs`, or without steps the
 * finest. Undefined when there is none.
 */
export function grainFor(
  kind: TrafficKind,
  { sinceMs, stepMs }: { readonly sinceMs: number; readonly stepMs: number | undefined },
  nowMs: number,
): number | undefined {
  const kept = grains
    .filter((grain) => grain.kind === kind && sinceMs >= nowMs - grain.keptDays * dayMs)
    .map(({ seconds }) => seconds)
    .toSorted((one, other) => one - other);
  return stepMs === undefined ? kept[0] : kept.findLast((seconds) => stepMs % (seconds * 1_000) === 0);
}
