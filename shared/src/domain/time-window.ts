/**
 * Times of the week by the clock on the wall of a zone. Where the clock is put forward, what is skipped is in no window;
 * where it is put back, the repeated hour counts twice.
 */
export const weekDays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type WeekDay = (typeof weekDays)[number];

export interface TimeWindow {
  readonly days: readonly WeekDay[];
  /** `HH:MM`, included. */
  readonly from: string;
  /** `HH:MM` up to `24:00`, not included. Earlier than `from`: on the next day. */
  readonly to: string;
  /** A name of the IANA time zone database: `Europe/Berlin`, `UTC`. */
  readonly zone: string;
}

export type ParsedTimeWindow =
  | { readonly kind: 'window'; readonly isOpen: (nowMs: number) => boolean }
  | { readonly kind: 'invalid'; readonly field: keyof TimeWindow; readonly problem: string };

const invalid = (field: keyof TimeWindow, problem: string): ParsedTimeWindow => ({ kind: 'invalid', field, problem });

/** Parses a window. `isOpen` takes milliseconds since the epoch, and costs a few nanoseconds. */
export function parseTimeWindow({ days, from, to, zone }: TimeWindow): ParsedTimeWindow {
  let dayBits = 0;
  for (const day of days) {
    const index = weekDays.indexOf(day);
    if (index === -1) return invalid('days', `must be of ${weekDays.join(', ')}`);
    dayBits |= 1 << index;
  }
  if (dayBits === 0) return invalid('days', 'must name at least one day');
  const start = minuteOf(from);
  if (start === undefined) return invalid('from', 'must be a time of day, `00:00` to `23:59`');
  const end = to === '24:00' ? 24 * 60 : minuteOf(to);
  if (end === undefined) return invalid('to', 'must be a time of day, `00:00` to `24:00`');
  if (start === end) return invalid('to', 'must differ from `from`: a whole day is `00:00` to `24:00`');
  const clock = wallClock(zone);
  if (!clock) return invalid('zone', 'must be a time zone, like `Europe/Berlin` or `UTC`');
  return { kind: 'window', isOpen: (nowMs) => isWithin(clock.at(nowMs), dayBits, start, end) };
}

interface WallTime {
  /** 0 is Monday. */
  readonly day: number;
  readonly minute: number;
}

/** A window across midnight belongs to the day on which it begins. */
function isWithin({ day, minute }: WallTime, dayBits: number, start: number, end: number): boolean {
  const isToday = (dayBits & (1 << day)) !== 0;
  if (start < end) return isToday && minute >= start && minute < end;
  const wasYesterday = (dayBits & (1 << ((day + 6) % 7))) !== 0;
  return (isToday && minute >= start) || (wasYesterday && minute < end);
}

function minuteOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}

const minuteMs = 60_000;
const english = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** The time on the wall in one zone. The calendar is asked once a minute: offsets change at whole minutes. */
class WallClock {
  readonly #format: Intl.DateTimeFormat;
  #minute = Number.NaN;
  #time: WallTime = { day: 0, minute: 0 };

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  at(nowMs: number): WallTime {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) {
      const parts = new Map(this.#format.formatToParts(minute * minuteMs).map(({ type, value }) => [type, value]));
      this.#time = {
        day: english.indexOf(parts.get('weekday') ?? ''),
        minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
      };
      this.#minute = minute;
    }
    return this.#time;
  }
}

/** One for a zone and not for a window: a calendar costs tens of kilobytes. */
const clocks = new Map<string, WallClock>();

/** The clock of a zone; undefined when there is no zone of that name. */
function wallClock(zone: string): WallClock | undefined {
  const known = clocks.get(zone);
  if (known) return known;
  const format = calendarOf(zone);
  if (!format) return undefined;
  const clock = new WallClock(format);
  clocks.set(zone, clock);
  return clock;
}

function calendarOf(zone: string): Intl.DateTimeFormat | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(zone)) return undefined;
  try {
    const fields = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, ...fields });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
