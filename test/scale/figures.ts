/** Of some times, in milliseconds. */
export interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles of at least one time, by the nearest rank. */
export function figuresOf(times: readonly number[]): Figures {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
