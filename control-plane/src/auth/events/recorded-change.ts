/**
 * What an admin event tells of a change: before and after of what may be shown, never a value. It is bounded, whatever the size of
 * the object: the record is kept for years, and its rows lie in the clear.
 */
import { isDeepStrictEqual } from 'node:util';

type Shown = Readonly<Record<string, unknown>>;

export interface BeforeAndAfter {
  readonly before?: Shown;
  readonly after?: Shown;
  /** Of lists and maps only what differs, and of long ones the head. */
  readonly isPart?: true;
}

/** Of its JSON, in characters. */
const maxLength = 8_192;
const mostItems = 64;
/** More than any object has that is no map. */
const maxKeys = 16;
const maxTextLength = 256;

/** Names of the fields that differ. */
export function changedFields(before: object, after: object): string[] {
  const [was, is] = [before as Shown, after as Shown];
  return Object.keys({ ...was, ...is }).filter((field) => !isDeepStrictEqual(was[field], is[field]));
}

/**
 * Before and after of the fields that differ; of an object that is made, after alone. Whole where that is short, else what differs of
 * lists and maps.
 */
export function beforeAndAfter(before: object | undefined, after: object): BeforeAndAfter {
  const [was, is] = [stored(before), stored(after)];
  const fields = changedFields(was ?? {}, is);
  if (fields.length === 0) return {};
  const whole = [was && pick(was, fields), pick(is, fields)] as const;
  if (lengthOf(whole) <= maxLength) return sides(whole);
  const differing = difference(...whole);
  for (let most = mostItems; ; most = Math.floor(most / 2)) {
    const head = [cut(differing[0], most), cut(differing[1], most)] as const;
    if (most === 0 || lengthOf(head) <= maxLength) return { ...sides(head), isPart: true };
  }
}

/** As it is stored: a time is a text, and what is undefined is not there. */
function stored<T extends object | undefined>(value: T): T extends undefined ? Shown | undefined : Shown {
  return value && (JSON.parse(JSON.stringify(value)) as never);
}

function pick(from: Shown, fields: readonly string[]): Shown {
  return Object.fromEntries(fields.filter((field) => field in from).map((field) => [field, from[field]]));
}

function sides([before, after]: readonly [unknown, unknown]): BeforeAndAfter {
  return { ...(before !== undefined && { before: before as Shown }), after: after as Shown };
}

function lengthOf(value: unknown): number {
  return JSON.stringify(value).length;
}

/** What each of two has that the other has not. */
function difference(was: unknown, is: unknown): readonly [unknown, unknown] {
  if (Array.isArray(was) && Array.isArray(is)) return [without(was, is), without(is, was)];
  if (!isMap(was) || !isMap(is)) return [was, is];
  const both = changedFields(was, is).map((key) => [key, difference(was[key], is[key])] as const);
  const sideOf = (side: 0 | 1) =>
    Object.fromEntries(both.filter(([, pair]) => pair[side] !== undefined).map(([key, pair]) => [key, pair[side]]));
  return [sideOf(0), sideOf(1)];
}

function without(list: readonly unknown[], other: readonly unknown[]): unknown[] {
  const known = new Set(other.map((item) => JSON.stringify(item)));
  return list.filter((item) => !known.has(JSON.stringify(item)));
}

/** So many items of each list, and heads of long texts; what is left out is counted. */
function cut(value: unknown, most: number): unknown {
  if (typeof value === 'string') return cutText(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, most).map((item) => cut(item, most));
    return value.length > most ? [...items, `… ${value.length - most} more`] : items;
  }
  if (!isMap(value)) return value;
  const entries = Object.entries(value);
  const kept = entries.slice(0, maxKeys).map(([key, each]) => [key, cut(each, most)]);
  return Object.fromEntries(entries.length > maxKeys ? [...kept, ['…', `${entries.length - maxKeys} more`]] : kept);
}

function cutText(text: string): string {
  // Half a character is none: PostgreSQL would refuse it.
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
}

function isMap(value: unknown): value is Shown {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
