/** So many heights of rows that are gone may be kept before they are looked through. */
const spare = 500;

/**
 * Takes the heights of rows that are gone out of what was measured. The list of rows in the page keeps each that it ever measured,
 * by the row's key: a live tail, whose rows go all the time, would grow without end.
 */
export function forgetHeights<Row, Key>(
  heights: Map<Key, number>,
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): void {
  if (heights.size <= rows.length + spare) return;
  const known = new Set(rows.map(keyOf));
  for (const key of heights.keys()) if (!known.has(key)) heights.delete(key);
}
