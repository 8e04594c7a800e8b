/** What a row is known by. */
type Key = string | number | bigint;

const heightsByList = new WeakMap<object, Map<Key, number>>();

/** What was measured of a list's rows, by their keys. It is one list for as long as its columns are the same ones. */
export function heightsOf(columns: object): Map<Key, number> {
  const heights = heightsByList.get(columns) ?? new Map<Key, number>();
  heightsByList.set(columns, heights);
  return heights;
}

/** So many heights of rows that are gone may be kept before they are looked through. */
const spare = 500;

/**
 * Takes the heights of rows that are gone out of what was measured. Each that was ever measured is kept: a live tail, whose rows go all
 * the time, would grow without end.
 */
export function forgetHeights<Row>(heights: Map<Key, number>, rows: readonly Row[], keyOf: (row: Row) => Key): void {
  if (heights.size <= rows.length + spare) return;
  const known = new Set<Key>(rows.map(keyOf));
  for (const key of heights.keys()) if (!known.has(key)) heights.delete(key);
}
