import { invalidField } from '../configuration/parse-input.ts';

const stepsSeconds = [10, 60, 300, 900, 3_600, 6 * 3_600, 86_400] as const;
const maxSlots = 120;
const dayMs = 86_400_000;
const maxDays = 90;

/** A time that is looked at, in steps that begin at whole ones. */
export interface TrafficPeriod {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
}

/** The steps of a time; without bounds, of the last day. @throws Fault INVALID */
export function periodOf(
  { since, until }: { readonly since?: Date | null | undefined; readonly until?: Date | null | undefined },
  nowMs: number,
): TrafficPeriod {
  const endMs = Math.min(until?.getTime() ?? nowMs, nowMs);
  const beginMs = since?.getTime() ?? endMs - dayMs;
  if (beginMs >= endMs) throw invalidField('since', 'must be before `until`, and in the past');
  if (endMs - beginMs > maxDays * dayMs)
    throw invalidField('since', `must be at most ${maxDays} days before \`until\``);
  const stepMs = 1_000 * (stepsSeconds.find((step) => (endMs - beginMs) / (step * 1_000) <= maxSlots - 1) ?? 86_400);
  // Whole steps, so that who looks again soon asks the same.
  return {
    sinceMs: Math.floor(beginMs / stepMs) * stepMs,
    untilMs: Math.ceil(endMs / stepMs) * stepMs,
    stepMs,
  };
}
