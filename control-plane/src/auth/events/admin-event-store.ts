import { randomUUID } from 'node:crypto';
import { environmentOf, isSecretName } from '@onecli/shared/domain/names';
import type { DataSource, EntityManager } from 'typeorm';
import type { Reach } from '../authorize.ts';
import type { Principal } from '../principal.ts';
import type { AdminEventFilter } from './admin-event-filter.ts';

/** What was done, or tried. */
export interface AdminAct {
  /** An action of the table of actions where it is one. */
  readonly action: string;
  readonly objectKind: string;
  /** Empty where there is no object, or its name cannot be told. */
  readonly objectName: string;
  /** Which fields changed, and before and after of those that may be shown. Never a value. */
  readonly detail?: object;
}

/** An admin event as it is shown. */
export interface AdminEventView {
  readonly id: string;
  readonly time: Date;
  /** `user:alice`, `key:deploy`, `local:local`, `system:onecli`, `instance`, or `nobody`. */
  readonly principal: string;
  /** Whose key it was. */
  readonly owner: string | null;
  readonly action: string;
  readonly objectKind: string;
  readonly objectName: string;
  readonly outcome: 'done' | 'refused';
  /** The fault's code where it was refused. */
  readonly reason: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly revision: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A place in the list, which runs from the newest to the oldest: after this event. */
export interface EventPlace {
  /** Microseconds since the epoch, as PostgreSQL keeps them. */
  readonly atMicros: string;
  readonly id: string;
}

/** How a principal is told in events. */
export function principalText({ kind, name }: Pick<Principal, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}

/** Writes what a principal did; within the transaction that did it, so that neither is without the other. */
export async function insertDone(
  manager: EntityManager,
  principal: Principal,
  revision: number | undefined,
  acts: readonly AdminAct[],
): Promise<void> {
  const { address = null, requestId = null } = principal.origin ?? {};
  const who = principalText(principal);
  await insert(manager, acts, { who, owner: ownerText(principal), outcome: 'done', address, requestId, revision });
}

/** Writes what was done beside the API, on the machine of the instance, or by itself; within the transaction that did it. */
export async function insertOfInstance(manager: EntityManager, acts: readonly AdminAct[]): Promise<void> {
  await insert(manager, acts, { who: 'instance', owner: null, outcome: 'done', address: null, requestId: null });
}

/** Who did not get what he wanted, and why. */
export interface RefusedAct extends AdminAct {
  readonly principal: Principal | undefined;
  readonly reason: string;
  readonly address: string;
  readonly requestId: string;
}

/** Writes that something was refused. */
export async function insertRefused(manager: EntityManager, refused: RefusedAct): Promise<void> {
  const { principal, reason, address, requestId } = refused;
  const who = principal === undefined ? 'nobody' : principalText(principal);
  await insert(manager, [refused], {
    who,
    owner: ownerText(principal),
    outcome: 'refused',
    reason,
    address,
    requestId,
  });
}

interface Circumstances {
  readonly who: string;
  readonly owner: string | null;
  readonly outcome: 'done' | 'refused';
  readonly reason?: string;
  readonly address: string | null;
  readonly requestId: string | null;
  /** Undefined: the one that is committed now. */
  readonly revision?: number | undefined;
}

/** One statement for all: a change of a thousand objects has a thousand events. */
async function insert(manager: EntityManager, acts: readonly AdminAct[], around: Circumstances): Promise<void> {
  if (acts.length === 0) return;
  const { who, owner, outcome, reason = null, address, requestId, revision = null } = around;
  const rows = acts.map(({ action, objectKind, objectName, detail = {} }) => ({
    id: randomUUID(),
    action,
    kind: objectKind,
    name: objectName,
    environment: objectKind === 'secret' && isSecretName(objectName) ? environmentOf(objectName) : null,
    detail,
  }));
  await manager.query(
    `INSERT INTO admin_event
       (id, at, principal, owner, outcome, reason, address, request_id, revision, action, object_kind, object_name, environment, detail, is_in_trail)
     SELECT id, clock_timestamp(), $1, $2, $3, $4, $5, $6, coalesce($7::bigint, (SELECT revision FROM config_state)),
       action, kind, name, environment, detail, false
     FROM jsonb_to_recordset($8::jsonb) AS e(id uuid, action text, kind text, name text, environment text, detail jsonb)`,
    [who, owner, outcome, reason, address, requestId, revision, JSON.stringify(rows)],
  );
}

function ownerText(principal: Principal | undefined): string | null {
  const owner = principal?.limits?.owner;
  return owner === undefined ? null : principalText(owner);
}

type StoredEvent = Omit<AdminEventView, 'revision'> & { readonly revision: string; readonly micros: string };

/** Of what is forgotten at once: no statement holds locks for long. */
const batchRows = 1_000;
const maxBatches = 20;

/** What principals did and tried. */
export class AdminEventStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** Forgets events that are older than so many days: the oldest first, and a bounded number of them at each call. */
  async sweep(keptDays: number): Promise<void> {
    for (let batch = 0; batch < maxBatches; batch++) {
      const [, count] = await this.#database.query<[unknown, number]>(
        `DELETE FROM admin_event WHERE id IN (
           SELECT id FROM admin_event WHERE at < now() - make_interval(days => $1) ORDER BY at LIMIT $2)`,
        [keptDays, batchRows],
      );
      if (count < batchRows) return;
    }
  }

  /** Events after a place, the newest first; at most `limit`. A reach of some environments shows what was done to secrets there. */
  async list(
    filter: AdminEventFilter,
    reach: Reach,
    after: EventPlace | undefined,
    limit: number,
  ): Promise<{ readonly view: AdminEventView; readonly place: EventPlace }[]> {
    const rows = await this.#database.query<StoredEvent[]>(
      `SELECT id, at AS "time", principal, owner, action, object_kind AS "objectKind", object_name AS "objectName", outcome,
         reason, address, request_id AS "requestId", revision, detail, (extract(epoch FROM at) * 1000000)::bigint AS micros
       FROM admin_event
       WHERE ($1::text[] IS NULL OR environment = ANY ($1))
         AND ($2::text IS NULL OR principal = $2 OR owner = $2)
         AND ($3::text IS NULL OR action = $3)
         AND ($4::text IS NULL OR object_kind = $4)
         AND ($5::text IS NULL OR object_name = $5)
         AND ($6::text IS NULL OR outcome = $6)
         AND ($7::timestamptz IS NULL OR at >= $7)
         AND ($8::timestamptz IS NULL OR at < $8)
         AND ($9::bigint IS NULL OR (at, id) < (timestamptz 'epoch' + $9 * interval '1 microsecond', $10::uuid))
       ORDER BY at DESC, id DESC LIMIT $11`,
      [
        reach === '*' ? null : [...reach],
        filter.principal ?? null,
        filter.action ?? null,
        filter.kind ?? null,
        filter.object ?? null,
        filter.outcome ?? null,
        filter.since === undefined ? null : new Date(filter.since),
        filter.until === undefined ? null : new Date(filter.until),
        after?.atMicros ?? null,
        after?.id ?? null,
        limit,
      ],
    );
    return rows.map(({ micros, revision, ...row }) => ({
      view: { ...row, revision: Number(revision) },
      place: { atMicros: micros, id: row.id },
    }));
  }
}
