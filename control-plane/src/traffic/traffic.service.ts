import type { DataSource } from 'typeorm';
import { authorizeList, reachOf } from '../auth/authorize.ts';
import type { Action } from '../auth/actions.ts';
import type { Principal } from '../auth/principal.ts';
import { aliveWithinSeconds } from '../workers/alive-within.ts';
import { isKnown } from '../workers/known-workers.ts';
import type { TrafficFilter } from './count-traffic.ts';
import type { NamedTraffic, TrafficSlot, TrafficStore } from './traffic-store.ts';
import { periodOf, type TrafficPeriod } from './traffic-period.ts';

export interface TrafficRequest extends TrafficFilter {
  readonly since?: Date | null | undefined;
  readonly until?: Date | null | undefined;
}

export interface TrafficSeries {
  readonly stepSeconds: number;
  readonly slots: readonly TrafficSlot[];
}

/** How many there are of each kind; null of what the caller may not list. */
export interface Overview {
  readonly revision: number;
  readonly secrets: number | null;
  readonly disabledSecrets: number | null;
  /** Within 14 days, or already. */
  readonly expiringSecrets: number | null;
  readonly agents: number | null;
  readonly disabledAgents: number | null;
  readonly policies: number | null;
  readonly routes: number | null;
  readonly workers: number | null;
  readonly liveWorkers: number | null;
  /** Live, and not at the revision of now. */
  readonly workersBehind: number | null;
}

const expiringWithinDays = 14;

/** What the dashboard shows first: how much there is, and what happened lately. */
export class TrafficService {
  readonly #database: DataSource;
  readonly #store: TrafficStore;

  constructor(database: DataSource, store: TrafficStore) {
    this.#database = database;
    this.#store = store;
  }

  /** Requests over time. Who is limited to environments is told of those that used their secrets. @throws Fault FORBIDDEN, INVALID */
  async series(principal: Principal, { since, until, ...filter }: TrafficRequest): Promise<TrafficSeries> {
    const reach = authorizeList(principal, 'audit:read');
    const period: TrafficPeriod = periodOf({ since, until }, Date.now());
    return { stepSeconds: period.stepMs / 1_000, slots: await this.#store.series(principal, filter, period, reach) };
  }

  /** The agents or hosts with the most requests. @throws Fault FORBIDDEN, INVALID */
  async top(
    principal: Principal,
    by: 'agent' | 'host',
    { since, until, limit, ...filter }: TrafficRequest & { readonly limit: number },
  ): Promise<readonly NamedTraffic[]> {
    const reach = authorizeList(principal, 'audit:read');
    return this.#store.top(principal, by, { filter, period: periodOf({ since, until }, Date.now()), limit }, reach);
  }

  /** Whoever has signed in may ask; what he may not list he is not told the number of. */
  async overview(principal: Principal): Promise<Overview> {
    const secretReach = reachOf(principal, 'secret:read');
    const environments = secretReach === '*' ? null : [...secretReach];
    const [row] = await this.#database.query<Overview[]>(
      `SELECT (SELECT revision::int FROM config_state) AS revision, s.*, a.*, w.*,
         (SELECT count(*)::int FROM policy WHERE name NOT LIKE '%/%') AS policies, (SELECT count(*)::int FROM route) AS routes
       FROM (SELECT count(*)::int AS secrets, count(*) FILTER (WHERE is_disabled)::int AS "disabledSecrets",
               count(*) FILTER (WHERE expires_at <= now() + make_interval(days => $3))::int AS "expiringSecrets"
             FROM secret WHERE $1::text[] IS NULL OR split_part(name, '/', 1) = ANY ($1)) s,
         (SELECT count(*)::int AS agents, count(*) FILTER (WHERE is_disabled)::int AS "disabledAgents" FROM agent) a,
         (SELECT count(*)::int AS workers, count(*) FILTER (WHERE is_live)::int AS "liveWorkers",
            count(*) FILTER (WHERE is_live AND applied_revision < (SELECT revision FROM config_state))::int AS "workersBehind"
          FROM (SELECT applied_revision, seen_at > now() - make_interval(secs => $2) AS is_live FROM worker w WHERE ${isKnown}) every) w`,
      [environments, aliveWithinSeconds, expiringWithinDays],
    );
    if (row === undefined) throw new Error('PostgreSQL gave no counts');
    const maySecrets = secretReach === '*' || secretReach.size > 0;
    const isEverywhere = (action: Action): boolean => reachOf(principal, action) === '*';
    const isAnywhere = (action: Action): boolean => isEverywhere(action) || reachSize(principal, action) > 0;
    return {
      revision: row.revision,
      ...only(maySecrets, row, ['secrets', 'disabledSecrets', 'expiringSecrets']),
      ...only(isAnywhere('agent:read'), row, ['agents', 'disabledAgents']),
      // To whom one belongs is sealed in it: they are counted for who may read all.
      ...only(isEverywhere('policy:read'), row, ['policies']),
      ...only(isEverywhere('route:read'), row, ['routes']),
      ...only(isAnywhere('worker:read'), row, ['workers', 'liveWorkers', 'workersBehind']),
    };
  }
}

function reachSize(principal: Principal, action: Action): number {
  const reach = reachOf(principal, action);
  return reach === '*' ? Number.POSITIVE_INFINITY : reach.size;
}

function only<Key extends keyof Overview>(may: boolean, row: Overview, keys: readonly Key[]) {
  return Object.fromEntries(keys.map((key) => [key, may ? row[key] : null])) as Record<Key, number | null>;
}
