/** A time by two clocks: that of `performance` is never set, and stands still while the machine sleeps; that of `Date` does neither. */
export interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

/** Before every other. */
export const never: Moment = { steadyMs: Number.NEGATIVE_INFINITY, wallMs: Number.NEGATIVE_INFINITY };

export function now(): Moment {
  return { steadyMs: performance.now(), wallMs: Date.now() };
}

/** The moment that another process wrote down. When this clock is behind it, it is now. */
export function writtenDown(wallMs: number): Moment {
  const { steadyMs, wallMs: nowMs } = now();
  return { steadyMs: steadyMs - Math.max(0, nowMs - wallMs), wallMs: Math.min(nowMs, wallMs) };
}

export function later(one: Moment, other: Moment): Moment {
  return other.steadyMs > one.steadyMs ? other : one;
}

/** How long ago that was, by the clock that says longer: one that was set back, or stood still, makes nothing younger. */
export function ageMs(moment: Moment): number {
  const { steadyMs, wallMs } = now();
  return Math.max(steadyMs - moment.steadyMs, wallMs - moment.wallMs);
}
