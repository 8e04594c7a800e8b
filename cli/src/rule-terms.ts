import { type WeekDay, weekDays } from '@onecli/shared/domain/time-window';
import { InvalidArgumentError } from 'commander';

/** What a rule says beside what it covers, in the form of the API. Read leniently: another version may have written it. */
interface Terms {
  readonly windows?: readonly Window[] | null;
  readonly rateLimit?: RateLimit | null;
  readonly maxConcurrent?: number | null;
  readonly maxBodyBytes?: number | null;
  readonly tunnel?: boolean | null;
  readonly http2?: boolean | null;
  readonly plainHttp?: boolean | null;
  readonly approval?: boolean | null;
}

interface Window {
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
  readonly by: 'agent' | 'rule';
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

const secondsIn = { s: 1, m: 60, h: 3600 } as const;

/** `--rate 100/60s`, `20/m`, `1000/h`; with `:rule` for all agents of the rule together. */
export function parseRate(text: string): RateLimit {
  const [, requests, count = '1', unit, together] = /^(\d{1,7})\/(\d{1,5})?([smh])(:rule)?$/.exec(text) ?? [];
  if (requests === undefined || unit === undefined)
    throw new InvalidArgumentError('expected requests and a time: 100/60s, 20/m, 1000/h, or 1000/h:rule.');
  const perSeconds = Number(count) * secondsIn[unit as keyof typeof secondsIn];
  return { requests: Number(requests), perSeconds, by: together === undefined ? 'agent' : 'rule' };
}

const bytesIn = { '': 1, k: 1000, m: 1000 ** 2, g: 1000 ** 3 } as const;

/** `--max-body 500`, `64k`, `10m`, `2g`: bytes. */
export function parseBytes(text: string): number {
  const [, count, unit = ''] = /^(\d{1,12})([kmg])?b?$/i.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('expected a size in bytes: 500, 64k, 10m.');
  return Number(count) * bytesIn[unit.toLowerCase() as keyof typeof bytesIn];
}

/** What a rule says beside what it covers, in words. */
export function describeTerms(rule: Readonly<Record<string, unknown>>): string[] {
  const { windows, rateLimit, maxConcurrent, maxBodyBytes, tunnel, http2, plainHttp, approval } = rule as Terms;
  const parts = (windows ?? []).map(({ days, from, to, zone }) => `on ${days.join(',')} ${from}-${to} ${zone}`);
  if (rateLimit) {
    const { requests, perSeconds, by } = rateLimit;
    parts.push(`at most ${requests}/${perSeconds}s${by === 'rule' ? ' together' : ''}`);
  }
  if (maxConcurrent) parts.push(`${maxConcurrent} at once`);
  if (maxBodyBytes) parts.push(`bodies up to ${maxBodyBytes} bytes`);
  if (tunnel) parts.push('passed through');
  if (http2) parts.push('with HTTP/2');
  if (plainHttp) parts.push('with plain HTTP');
  if (approval) parts.push('once a person approves');
  return parts;
}
