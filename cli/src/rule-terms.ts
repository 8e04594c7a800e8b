import { type WeekDay, weekDays } from '@onecli/shared/domain/time-window';
import { InvalidArgumentError } from 'commander';

/** A time window as the API takes it. */
interface Window {
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** Gathers `--window 'mon-fri 09:00-17:00 Europe/Berlin'`; without a zone it is UTC. For commander's argument parser. */
export function collectWindow(text: string, before: readonly Window[] = []): Window[] {
  const [dayText = '', times = '', zone = 'UTC', ...rest] = text.trim().split(/\s+/);
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(times) ?? [];
  if (from === undefined || to === undefined || rest.length > 0)
    throw new InvalidArgumentError("expected days, times and a zone: 'mon-fri 09:00-17:00 Europe/Berlin'.");
  return [...before, { days: daysOf(dayText.toLowerCase()), from, to, zone }];
}

/** `mon-fri`, `sat,sun`, `fri-mon`, `daily`. */
function daysOf(text: string): WeekDay[] {
  if (text === 'daily') return [...weekDays];
  const days = new Set<WeekDay>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...rest] = part.split('-');
    const [from, to] = [weekDays.indexOf(first as WeekDay), weekDays.indexOf(last as WeekDay)];
    if (from === -1 || to === -1 || rest.length > 0)
      throw new InvalidArgumentError(`expected days like mon-fri or sat,sun, or daily (${weekDays.join(', ')}).`);
    for (let at = from; ; at = (at + 1) % 7) {
      days.add(weekDays[at] as WeekDay);
      if (at === to) break;
    }
  }
  return weekDays.filter((day) => days.has(day));
}

/** What a rule says beside what it covers, in words. */
export function describeTerms(rule: Readonly<Record<string, unknown>>): string[] {
  const { windows } = rule as { windows?: readonly Window[] | null };
  return (windows ?? []).map(({ days, from, to, zone }) => `on ${days.join(',')} ${from}-${to} ${zone}`);
}
