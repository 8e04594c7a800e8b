import { usageError } from './cli-error.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * Reads a point in time: an age (`30s`, `15m`, `1h`, `2d`, `1w`) before `nowMs` (epoch, ms), or an ISO 8601 date or date and time.
 * Gives it in ISO 8601 UTC; throws a usage error for anything else.
 */
export function parseSince(text: string, nowMs: number): string {
  const age = /^(\d{1,6})([smhdw])$/.exec(text);
  const perUnitMs = unitMs[age?.[2] ?? ''];
  if (age !== null && perUnitMs !== undefined) return new Date(nowMs - Number(age[1]) * perUnitMs).toISOString();
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text);
  const timeMs = isIso ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw usageError(
      `--since cannot be "${text}"`,
      'give an age such as 30m, 1h, 2d, or a time such as 2030-01-31T12:00:00Z',
    );
  }
  return new Date(timeMs).toISOString();
}
