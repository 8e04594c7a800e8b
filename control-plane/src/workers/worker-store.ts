import type { DataSource, EntityManager } from 'typeorm';
import type { Page, PageRequest } from '../configuration/page.ts';
import { aliveWithinSeconds } from './alive-within.ts';
import { auditedSince, isKnown } from './known-workers.ts';

/** A worker that reported nothing for longer is taken to be gone. */
const goneAfterHours = 24;
const defaultLimit = 50;
const maxInt = 2_147_483_647;

/** How much a worker had to do when it last reported. */
export interface LoadView {
  /** Open connections of agents. */
  readonly connections: number;
  readonly requestsPerSecond: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly memoryBytes: number;
  /** What its audit spool holds; null where it has none. */
  readonly spoolBytes: number | null;
}

/** A worker as it last reported itself. */
export interface WorkerView {
  readonly name: string;
  readonly bootId: string;
  readonly version: string;
  readonly appliedRevision: number;
  readonly startedAt: Date;
  readonly seenAt: Date;
  /** It reported within the last ten seconds, by the database's clock. */
  readonly isLive: boolean;
  /** Null: of a release that does not tell. */
  readonly load: LoadView | null;
}

/** What a worker last reported to have applied. */
export interface AppliedView {
  readonly name: string;
  /** 0: nothing that counts, since it refuses what the database holds. */
  readonly appliedRevision: number;
  /** False: it is silent, and has not said that it ended; nobody knows what it has applied since, or whether it runs. */
  readonly isLive: boolean;
}

/** What a worker said last. */
export interface LastReport {
  readonly bootId: string;
  readonly appliedRevision: number;
  readonly seenAt: Date;
}

/** One committed change of configuration. */
export interface RevisionView {
  readonly revision: number;
  /** Who made it: `user:admin`. */
  readonly principal: string;
  readonly at: Date;
  readonly changes: readonly { readonly kind: string; readonly id: string; readonly operation: 'upsert' | 'remove' }[];
}

const maxRevisions = 50;
const maxChanges = 1_000;

/** The workers that reported themselves. */
export class WorkerStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /**
   * One page, in the order of names; 50 when no limit is given. Whatever a worker reports as a number or a time, the page can be shown:
   * no revision is larger than GraphQL's Int, no process has started after it reported, and a load of which a part is missing is none.
   */
  async list({ after, limit = defaultLimit }: PageRequest): Promise<Page<WorkerView>> {
    const rows: (Omit<WorkerView, 'appliedRevision'> & { appliedRevision: string })[] = await this.#database.query(
      `SELECT name, boot_id AS "bootId", version, least(applied_revision, ${maxInt}) AS "appliedRevision",
              least(greatest(started_at, 'epoch'), seen_at) AS "startedAt", seen_at AS "seenAt",
              seen_at > now() - make_interval(secs => $1) AS "isLive",
              CASE WHEN connections IS NOT NULL AND memory_bytes IS NOT NULL AND abs(requests_per_second) < 'Infinity'
                AND abs(cpu_share) < 'Infinity' THEN json_build_object('connections', connections,
                'requestsPerSecond', requests_per_second, 'cpuShare', cpu_share, 'memoryBytes', memory_bytes,
                'spoolBytes', spool_bytes) END AS load
       FROM worker w WHERE ($2::text IS NULL OR name > $2) AND ${isKnown} ORDER BY name LIMIT $3`,
      [aliveWithinSeconds, after?.replaceAll('\0', '') ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).map((row) => ({ ...row, appliedRevision: Number(row.appliedRevision) }));
    return { items, next: rows.length > limit ? items.at(-1)?.name : undefined };
  }

  /**
   * What each worker has applied that is live, or silent for less than a day although its run has not ended and nobody said that it is gone;
   * one that ended is not live, however late it reported. One that reports after somebody else has ended its run, having taken its spool, still runs, and so does
   * one of whose trail more came than it reported: it began again by its snapshot file, without the database, or is refused by it.
   * While a restore is not confirmed, no worker takes what is there; one that has applied more than there is has it from before the database went back.
   */
  async applied(): Promise<AppliedView[]> {
    const rows: (Omit<AppliedView, 'appliedRevision'> & { appliedRevision: string })[] = await this.#database.query(
      `SELECT name, is_live AS "isLive",
         CASE WHEN s.restored_at IS NULL AND w.applied_revision <= s.revision THEN w.applied_revision ELSE 0 END AS "appliedRevision"
       FROM config_state s, (SELECT *, NOT is_over AND seen_at > now() - make_interval(secs => $1) AS is_live
         FROM (SELECT *, EXISTS (SELECT FROM audit_boot b
             WHERE b.worker = r.name AND b.boot = r.boot_id AND b.ended_at >= r.seen_at) AS is_over FROM worker r) told) w
       WHERE is_live OR (NOT is_over AND seen_at > now() - make_interval(hours => $2) AND forgotten_report IS DISTINCT FROM seen_at)
         OR ${auditedSince('greatest(w.forgotten_at, now() - make_interval(hours => $2))')}
       ORDER BY name`,
      [aliveWithinSeconds, goneAfterHours],
    );
    return rows.map((row) => ({ ...row, appliedRevision: Number(row.appliedRevision) }));
  }

  /** A worker that is known, and kept from reporting until the transaction ends; undefined: there is none of that name. */
  async lock(manager: EntityManager, name: string): Promise<LastReport | undefined> {
    const [row] = await manager.query<(Omit<LastReport, 'appliedRevision'> & { appliedRevision: string })[]>(
      `SELECT boot_id AS "bootId", applied_revision AS "appliedRevision", seen_at AS "seenAt" FROM worker w WHERE name = $1 AND ${isKnown}
       FOR UPDATE`,
      [name],
    );
    return row && { ...row, appliedRevision: Number(row.appliedRevision) };
  }

  /** Takes a worker to be gone, unless it was heard of within the last ten seconds; gives whether it did. */
  async forget(manager: EntityManager, name: string): Promise<boolean> {
    const [, count] = await manager.query<[unknown, number]>(
      `UPDATE worker w SET forgotten_at = now(), forgotten_report = seen_at WHERE name = $1
         AND NOT ${auditedSince('now() - make_interval(secs => $2)')}
         AND (seen_at <= now() - make_interval(secs => $2)
           OR EXISTS (SELECT FROM audit_boot b WHERE b.worker = w.name AND b.boot = w.boot_id AND b.ended_at >= w.seen_at))`,
      [name, aliveWithinSeconds],
    );
    return count === 1;
  }

  /** The revision of the configuration that is committed now. */
  async revision(): Promise<number> {
    const rows: { revision: string }[] = await this.#database.query('SELECT revision FROM config_state');
    return Number(rows[0]?.revision ?? 0);
  }

  /** The next revisions after one, in order, with at most 1000 changes of each. */
  async revisionsAfter(revision: number): Promise<RevisionView[]> {
    const rows: (Omit<RevisionView, 'revision'> & { revision: string })[] = await this.#database.query(
      `SELECT r.revision, c.principal, c.at, c.changes
       FROM (SELECT DISTINCT revision FROM config_change WHERE revision > $1 ORDER BY revision LIMIT $2) r
       CROSS JOIN LATERAL (
         SELECT min(principal) AS principal, min(at) AS at,
           json_agg(json_build_object('kind', kind, 'id', object_id, 'operation', operation)) AS changes
         FROM (SELECT * FROM config_change WHERE revision = r.revision ORDER BY kind, object_id LIMIT $3) limited) c
       ORDER BY r.revision`,
      [revision, maxRevisions, maxChanges],
    );
    return rows.map((row) => ({ ...row, revision: Number(row.revision) }));
  }
}
