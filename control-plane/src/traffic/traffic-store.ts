/**
 * What audit events come to: as it was counted ahead (see traffic-rollup.ts) where that fits, with what was written since; else counted
 * when it is asked for, in one pass over the events of the period, without sorting them. Who looks again within seconds is told the
 * same, and few counts run at once, each for a limited time.
 */
import { Fault } from '@onecli/shared/fault';
import { LRUCache } from 'lru-cache';
import { type DataSource, type EntityManager, QueryFailedError } from 'typeorm';
import type { Reach } from '../auth/authorize.ts';
import { FewAtOnce } from '../auth/few-at-once.ts';
import type { Principal } from '../auth/principal.ts';
import { percentileOf } from './latency-classes.ts';
import { type Counted, countByName, countByTime, firstNames, sourceOf, type TrafficFilter } from './count-traffic.ts';
import type { TrafficPeriod } from './traffic-period.ts';

/** Requests of a time, or of an agent or host in it. Latencies are of those that were let through, in milliseconds. */
export interface TrafficCounts {
  readonly requests: number;
  readonly denials: number;
  /** Let through, and the upstream failed (5xx) or the connection ended before an answer. */
  readonly failures: number;
  readonly latencyP50: number | null;
  readonly latencyP95: number | null;
  readonly latencyP99: number | null;
}

export interface TrafficSlot extends TrafficCounts {
  readonly at: Date;
}

export interface NamedTraffic extends TrafficCounts {
  /** Of an agent, where it is known, or a host. */
  readonly name: string;
}

const keepMs = 5_000;
const maxKept = 200;
const timeoutMs = 8_000;
/** A screen asks for a few counts in one query. */
const bounds = { ofPrincipal: 1, inAll: 2, line: { ofPrincipal: 5, inAll: 20, waitMs: timeoutMs } };
const queryCanceled = '57014';

export class TrafficStore {
  readonly #database: DataSource;
  readonly #kept = new LRUCache<string, Promise<unknown>>({ max: maxKept, ttl: keepMs });
  readonly #few = new FewAtOnce(bounds, 'Too much is being counted: ask for less at once, or again in a moment');

  constructor(database: DataSource) {
    this.#database = database;
  }

  /**
   * Every step of a period, those without requests too.
   * @throws Fault INVALID when there is too much to count, OVERLOADED when too many counts are asked for at once
   */
  series(
    principal: Principal,
    filter: TrafficFilter,
    period: TrafficPeriod,
    reach: Reach,
  ): Promise<readonly TrafficSlot[]> {
    const { sinceMs, untilMs, stepMs } = period;
    return this.#once(principal, ['series', filter, period, shown(reach)], async (manager) => {
      const { agent, host } = filter;
      // What is counted ahead is of all, of one agent or of one host.
      const kind =
        agent === undefined ? (host === undefined ? 'all' : 'host') : host === undefined ? 'agent' : undefined;
      const source = await sourceOf(manager, kind, { period, reach, filter, stepMs });
      const slot = (time: string): string => `floor(extract(epoch FROM ${time}) * 1000 / ${stepMs})::bigint::text`;
      const counted = await countByTime(manager, source, slot, agent ?? host ?? '');
      const bySlot = groupBy(counted, ({ key }) => Number(key) * stepMs);
      const slots: TrafficSlot[] = [];
      for (let atMs = sinceMs; atMs < untilMs; atMs += stepMs)
        slots.push({ at: new Date(atMs), ...countsOf(bySlot.get(atMs) ?? []) });
      return slots;
    });
  }

  /** The agents or hosts with the most requests. @throws as `series` */
  top(
    principal: Principal,
    by: 'agent' | 'host',
    {
      filter,
      period,
      limit,
    }: { readonly filter: TrafficFilter; readonly period: TrafficPeriod; readonly limit: number },
    reach: Reach,
  ): Promise<readonly NamedTraffic[]> {
    return this.#once(principal, ['top', by, filter, period, limit, shown(reach)], async (manager) => {
      const isOfAll = filter.agent === undefined && filter.host === undefined;
      const source = await sourceOf(manager, isOfAll ? by : undefined, { period, reach, filter, stepMs: undefined });
      const names = await firstNames(manager, source, by, limit);
      const counted = names.length === 0 ? [] : await countByName(manager, source, by, names);
      const byName = groupBy(counted, ({ key }) => key);
      return names.map((name) => ({ name, ...countsOf(byName.get(name) ?? []) }));
    });
  }

  #once<T>(principal: Principal, key: unknown, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const text = JSON.stringify(key);
    const known = this.#kept.get(text) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const counted = this.#few.run(principal, () => this.#limited(work));
    this.#kept.set(text, counted);
    // What failed is not told again.
    counted.catch(() => this.#kept.delete(text));
    return counted;
  }

  async #limited<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.#database.transaction('REPEATABLE READ', async (manager) => {
        await manager.query(`SET LOCAL statement_timeout = ${timeoutMs}`);
        return work(manager);
      });
    } catch (cause) {
      if (!(cause instanceof QueryFailedError) || (cause.driverError as { code?: string }).code !== queryCanceled)
        throw cause;
      throw new Fault(
        'INVALID',
        'There is more than can be counted in time: ask for a shorter time, an agent or a host',
        {
          field: 'since',
          cause,
        },
      );
    }
  }
}

function shown(reach: Reach): unknown {
  return reach === '*' ? reach : [...reach].sort();
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function countsOf(counted: readonly Counted[]): TrafficCounts {
  const allowed = counted.filter(({ denied }) => !denied);
  const classes = new Map<number, number>();
  for (const one of allowed) classes.set(one.latency_class, (classes.get(one.latency_class) ?? 0) + one.count);
  const sum = (of: readonly Counted[]): number => of.reduce((total, { count }) => total + count, 0);
  return {
    requests: sum(counted),
    denials: sum(counted) - sum(allowed),
    failures: counted.reduce((total, { failures }) => total + failures, 0),
    latencyP50: percentileOf(classes, 0.5),
    latencyP95: percentileOf(classes, 0.95),
    latencyP99: percentileOf(classes, 0.99),
  };
}
