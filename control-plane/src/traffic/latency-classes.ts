/** Latencies are counted by classes, each 6 % wider than the one before: of a million a percentile is then told without sorting. */

const classesPerE = 16;

/** The SQL of the class of a latency in milliseconds. */
export function classSql(column: string): string {
  return `ceil(ln(1 + greatest(${column}, 0)::float8) * ${classesPerE})::int`;
}

/** How many there are of each class. */
export type ClassCounts = ReadonlyMap<number, number>;

/** A percentile by the nearest rank, in milliseconds, to within 6 %; null of none. */
export function percentileOf(counts: ClassCounts, share: number): number | null {
  const classes = [...counts].sort(([one], [other]) => one - other);
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  let rank = Math.max(Math.ceil(total * share), 1);
  for (const [latencyClass, count] of classes) {
    rank -= count;
    if (rank <= 0) return middleOf(latencyClass);
  }
  return null;
}

function middleOf(latencyClass: number): number {
  const [low, high] = [latencyClass - 1, latencyClass].map((edge) => Math.max(Math.exp(edge / classesPerE) - 1, 0));
  return Math.round((((low ?? 0) + (high ?? 0)) / 2) * 10) / 10;
}
