const format = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

const minuteMs = 60_000;
const units = [
  ['day', 24 * 60 * minuteMs],
  ['hour', 60 * minuteMs],
  ['minute', minuteMs],
] as const;

/** A distance in time, in words: negative is past. Below a minute it is now. */
export function agoOf(ms: number): string {
  const [unit, unitMs] = units.find(([, size]) => Math.abs(ms) >= size) ?? ['second', 1_000];
  return unit === 'second' ? 'just now' : format.format(Math.trunc(ms / unitMs), unit);
}
