const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });

/** Of many digits only the first: 12.3K. */
export function shortNumber(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

/** A part of a whole; of nothing it is nothing. */
export function shareText(part: number, of: number): string {
  return of === 0 ? percent.format(0) : percent.format(part / of);
}

/** A time that something took. */
export function msText(ms: number | null): string {
  if (ms === null) return '–';
  if (ms === 0) return '0 ms';
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** An amount of memory or of data. */
export function bytesText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1_000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
