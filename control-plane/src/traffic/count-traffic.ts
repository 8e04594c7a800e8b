import type { EntityManager } from 'typeorm';
import { conditions, hasFailed } from '../audit/audit-conditions.ts';
import type { Reach } from '../auth/authorize.ts';
import { grainFor, type TrafficKind } from './traffic-grains.ts';
import type { TrafficPeriod } from './traffic-period.ts';
import { allClass, countedTo, deniedClass, eventClass } from './traffic-rollup.ts';

export interface TrafficFilter {
  readonly agent?: string | undefined;
  readonly host?: string | undefined;
}

/** So many requests with a latency of a class. */
export interface Counted {
  readonly key: string;
  readonly denied: boolean;
  readonly latency_class: number;
  readonly count: number;
  readonly failures: number;
}

/** Where the counts of a period come from. */
export interface Source {
  /** Events that are counted now: all of the period, or those that are not counted ahead. */
  readonly events: { readonly where: string; readonly values: readonly unknown[] };
  readonly ahead:
    | { readonly grain: number; readonly kind: TrafficKind; readonly from: Date; readonly to: Date }
    | undefined;
}

export interface Asked {
  readonly filter: TrafficFilter;
  readonly period: TrafficPeriod;
  readonly reach: Reach;
  /** The steps that counts have to fit into; undefined: the whole period is one. */
  readonly stepMs: number | undefined;
}

/** Where to count from, in this transaction. `kind` undefined: nothing is counted ahead of what is asked. */
export async function sourceOf(
  manager: EntityManager,
  kind: TrafficKind | undefined,
  { filter, period, reach, stepMs }: Asked,
): Promise<Source> {
  const { sinceMs, untilMs } = period;
  const events = conditions({ ...filter, since: sinceMs, until: untilMs }, undefined, reach);
  const grain = kind && reach === '*' ? grainFor(kind, { sinceMs, stepMs }, Date.now()) : undefined;
  if (kind === undefined || grain === undefined) return { events, ahead: undefined };
  const [from, to] = [Math.ceil(sinceMs / grain / 1_000), Math.floor(untilMs / grain / 1_000)].map(
    (each) => new Date(each * grain * 1_000),
  ) as [Date, Date];
  const counted = from < to ? await countedTo(manager) : undefined;
  if (counted === undefined) return { events, ahead: undefined };
  const values = [...events.values, counted];
  const edges: string[] = [];
  if (from.getTime() > sinceMs) edges.push(`time < $${values.push(from)}`);
  if (to.getTime() < untilMs) edges.push(`time >= $${values.push(to)}`);
  const rest = [`written_by >= $${events.values.length + 1}::bigint`, ...edges].join(' OR ');
  return { events: { where: `${events.where} AND (${rest})`, values }, ahead: { grain, kind, from, to } };
}

/** The names with the most requests, the first of them first. */
export async function firstNames(
  manager: EntityManager,
  { events, ahead }: Source,
  by: 'agent' | 'host',
  limit: number,
): Promise<string[]> {
  const at = events.values.length;
  const counted = ahead
    ? `SELECT name, count FROM traffic WHERE grain = $${at + 1} AND kind = $${at + 2} AND at >= $${at + 3} AND at < $${at + 4}
         AND latency_class = ${allClass} UNION ALL`
    : '';
  const values = ahead ? [...events.values, ahead.grain, ahead.kind, ahead.from, ahead.to] : [...events.values];
  const rows = await manager.query<{ name: string }[]>(
    `SELECT name FROM (${counted} SELECT ${by} AS name, count(*) AS count FROM audit_event ${events.where} AND ${by} IS NOT NULL GROUP BY 1) each
     GROUP BY name ORDER BY sum(count) DESC, name LIMIT ${limit}`,
    values,
  );
  return rows.map(({ name }) => name);
}

/** Counts by time: `keyOf` gives the SQL of a step. `name` is whose counts they are, or empty. */
export async function countByTime(
  manager: EntityManager,
  { events, ahead }: Source,
  keyOf: (time: string) => string,
  name: string,
): Promise<Counted[]> {
  const counted = await countEvents(manager, keyOf('time'), events.where, events.values);
  return ahead === undefined ? counted : [...counted, ...(await countAhead(manager, keyOf('at'), ahead, [name]))];
}

/** Counts of some names. */
export async function countByName(
  manager: EntityManager,
  { events, ahead }: Source,
  by: 'agent' | 'host',
  names: readonly string[],
): Promise<Counted[]> {
  const where = `${events.where} AND ${by} = ANY ($${events.values.length + 1}::text[])`;
  const counted = await countEvents(manager, by, where, [...events.values, names]);
  return ahead === undefined ? counted : [...counted, ...(await countAhead(manager, 'name', ahead, names))];
}

function countEvents(
  manager: EntityManager,
  key: string,
  where: string,
  values: readonly unknown[],
): Promise<Counted[]> {
  return manager.query<Counted[]>(
    `SELECT ${key} AS key, decision = 'deny' AS denied, ${eventClass} AS latency_class, count(*)::int AS count,
       count(*) FILTER (WHERE ${hasFailed})::int AS failures
     FROM audit_event ${where} GROUP BY 1, 2, 3`,
    [...values],
  );
}

function countAhead(
  manager: EntityManager,
  key: string,
  { grain, kind, from, to }: NonNullable<Source['ahead']>,
  names: readonly string[],
): Promise<Counted[]> {
  return manager.query<Counted[]>(
    `SELECT ${key} AS key, latency_class = ${deniedClass} AS denied, latency_class, sum(count)::int AS count,
       sum(failures)::int AS failures FROM traffic
     WHERE grain = $1 AND kind = $2 AND name = ANY ($3::text[]) AND at >= $4 AND at < $5 AND latency_class <> ${allClass}
     GROUP BY 1, 2, 3`,
    [grain, kind, names, from, to],
  );
}
