import { orAfter } from '@onecli/shared/adapters/before-deadline';
import { Fault } from '@onecli/shared/fault';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import { type DataSource, type EntityManager, QueryFailedError } from 'typeorm';
import { type AdminAct, insertDone, principalText } from '../auth/events/admin-event-store.ts';
import type { Principal } from '../auth/principal.ts';
import { lockForChange } from './lock-for-change.ts';
import type { WriteOptions } from './written.ts';

/** Who may change the configuration, and how secrets are rotated, are part of it: they are no business of workers. */
export type ConfigKind = RevisedKind | 'authority';
/** What an admin event can be of: configuration, and who may change it. */
type AuditedKind = ConfigKind | 'keys' | 'session' | 'worker' | 'approval';
export type ConfigOperation = 'upsert' | 'remove';

/** What a change may do inside its transaction. */
export interface ConfigTransaction {
  readonly manager: EntityManager;
  /** The revision that this change will have, if it is one. */
  readonly revision: number;
  /**
   * Holds an object against the write's conditions, if it has some; to be called for what is about to be written, as it
   * was before, or null. @throws Fault CONFLICT, PRECONDITION_FAILED
   */
  checkRevision(kind: ConfigKind, before: { readonly revision: number } | null): void;
  /** Says that workers must read this row again, or forget it. */
  changed(kind: ConfigKind, id: string, operation: ConfigOperation): void;
  /**
   * Records the admin's action; a change without one is not committed. `detail` names changed fields, and what may be shown of
   * them, never values.
   */
  audit(action: string, objectKind: AuditedKind, objectName: string, detail?: Readonly<Record<string, unknown>>): void;
}

/** Keeps the keys that seal at what is committed. */
export interface SealingKeys {
  refresh(manager: EntityManager): Promise<void>;
}

/** Tells whether a principal is still who he was when he was let in. */
export interface Standing {
  /**
   * To be asked in the transaction that writes, under the lock of changes: what ends a principal, or takes a role from him, is
   * written under it, too.
   * @throws Fault UNAUTHENTICATED for one who may not come in any more, FORBIDDEN for one whose rights are others now
   */
  require(manager: EntityManager, principal: Principal): Promise<void>;
}

/** The part of a logger that is needed here. */
export interface WarningLog {
  warn(fields: object, message: string): void;
}

interface Recorded {
  readonly changes: Map<string, { kind: ConfigKind; id: string; operation: ConfigOperation }>;
  readonly events: AdminAct[];
}

/** The kinds whose rows carry the revision that last wrote them, with their tables. */
export const revisedTables = {
  secret: 'secret',
  agent: 'agent',
  policy: 'policy',
  route: 'route',
  user: 'user_account',
  'api-key': 'api_key',
  rotation: 'rotation',
} as const;
type RevisedKind = keyof typeof revisedTables;

/** An answer waits so long, so that a change is usually announced before its writer knows of it. */
const announceWithinMs = 100;

const lockNotAvailable = '55P03';

/** The only way to change configuration: rows, revision, change records and the admin's event commit together or not at all. */
export class ChangeConfig {
  readonly #dataSource: DataSource;
  readonly #bus: ConfigBus;
  readonly #log: WarningLog;
  readonly #keys: SealingKeys;
  readonly #standing: Standing;
  readonly #changed: ((startMs: number, revision: number) => void) | undefined;

  /** @param changed is told of each change that was committed, and when it was begun */
  constructor(
    dataSource: DataSource,
    bus: ConfigBus,
    log: WarningLog,
    keys: SealingKeys,
    standing: Standing,
    changed?: (startMs: number, revision: number) => void,
  ) {
    this.#changed = changed;
    this.#dataSource = dataSource;
    this.#bus = bus;
    this.#log = log;
    this.#keys = keys;
    this.#standing = standing;
  }

  /**
   * Runs `work` in a transaction that no other change overlaps, so that revisions become visible in order. When `work`
   * reports a change the revision grows by one and, after the commit, is announced; else it stays as it was. A bus
   * that is away is logged: workers find the revision when they next look.
   * @throws what `work` throws, after undoing everything, and for a change that it did not record; Fault UNAUTHENTICATED, FORBIDDEN for a principal that is not any
   * more what it was when it was let in; CONFLICT when another change holds the lock too long
   */
  async changeConfig<T>(
    principal: Principal,
    work: (tx: ConfigTransaction) => Promise<T>,
    conditions: WriteOptions = {},
  ): Promise<{ result: T; revision: number }> {
    const startMs = Date.now();
    const outcome = await this.#dataSource
      .transaction('READ COMMITTED', async (manager) => {
        await lockForChange(manager);
        await this.#standing.require(manager, principal);
        await this.#keys.refresh(manager);
        const recorded: Recorded = { changes: new Map(), events: [] };
        const before = await currentRevision(manager);
        const result = await work(transactionOf(manager, recorded, before + 1, conditions));
        const isNew = recorded.changes.size > 0;
        const revision = isNew ? before + 1 : before;
        await commitRecorded(manager, principal, recorded, revision);
        return { result, revision, isNew };
      })
      .catch((cause: unknown) => {
        throw isLockTimeout(cause)
          ? new Fault('CONFLICT', 'Another change of the configuration is still under way', { cause })
          : cause;
      });
    if (outcome.isNew) {
      this.#changed?.(startMs, outcome.revision);
      await this.#announce(outcome.revision);
    }
    return { result: outcome.result, revision: outcome.revision };
  }

  /** A bus that hangs does not make the one who wrote wait: what was committed holds, and workers look for it. */
  async #announce(revision: number): Promise<void> {
    const announcing = this.#bus.announce(revision).catch((error: unknown) => {
      this.#log.warn({ err: error, revision }, 'the revision could not be announced; workers will find it by looking');
    });
    await orAfter(announceWithinMs, announcing);
  }
}

function transactionOf(
  manager: EntityManager,
  recorded: Recorded,
  revision: number,
  { ifRevision, ifMatch }: WriteOptions,
): ConfigTransaction {
  return {
    manager,
    revision,
    checkRevision(kind, before) {
      if (ifRevision !== undefined) requireRevision(kind, before, ifRevision);
      if (ifMatch !== undefined) requireMatch(kind, before, ifMatch);
    },
    changed(kind, id, operation) {
      recorded.changes.set(`${kind} ${id}`, { kind, id, operation });
    },
    audit(action, objectKind, objectName, detail = {}) {
      recorded.events.push({ action, objectKind, objectName, detail });
    },
  };
}

function requireRevision(kind: ConfigKind, before: { readonly revision: number } | null, ifRevision: number): void {
  const field = 'ifRevision';
  if (before === null) {
    if (ifRevision > 0) throw new Fault('CONFLICT', `The ${nounOf(kind)} is not there any more`, { field });
  } else if (before.revision > ifRevision) {
    throw new Fault('CONFLICT', `The ${nounOf(kind)} was written meanwhile, in revision ${before.revision}`, { field });
  }
}

function requireMatch(
  kind: ConfigKind,
  before: { readonly revision: number } | null,
  ifMatch: ReadonlySet<number> | '*',
) {
  if (before === null) throw new Fault('PRECONDITION_FAILED', `The ${nounOf(kind)} is not there`);
  if (ifMatch !== '*' && !ifMatch.has(before.revision))
    throw new Fault('PRECONDITION_FAILED', `The ${nounOf(kind)} was last written in revision ${before.revision}`);
}

function nounOf(kind: ConfigKind): string {
  return kind === 'api-key' ? 'API key' : kind;
}

async function commitRecorded(
  manager: EntityManager,
  principal: Principal,
  { changes, events }: Recorded,
  revision: number,
): Promise<void> {
  if (changes.size > 0 && events.length === 0)
    throw new Error(`A change of ${[...changes.keys()].join(', ')} has no admin event: whoever makes it records it`);
  if (changes.size > 0) await commitChanges(manager, principalText(principal), [...changes.values()], revision);
  await insertDone(manager, principal, revision, events);
}

async function commitChanges(
  manager: EntityManager,
  by: string,
  changes: readonly { kind: ConfigKind; id: string; operation: ConfigOperation }[],
  revision: number,
): Promise<void> {
  await manager.query('UPDATE config_state SET revision = $1', [revision]);
  await manager.query(
    `INSERT INTO config_change (revision, kind, object_id, operation, principal)
     SELECT $1, kind, id, operation, $2 FROM unnest($3::text[], $4::uuid[], $5::text[]) AS c(kind, id, operation)`,
    [
      revision,
      by,
      changes.map(({ kind }) => kind),
      changes.map(({ id }) => id),
      changes.map(({ operation }) => operation),
    ],
  );
  // Where the write itself did not: no way of writing an object can forget it.
  for (const [kind, table] of Object.entries(revisedTables)) {
    const ids = changes.filter((change) => change.kind === kind).map(({ id }) => id);
    if (ids.length > 0)
      await manager.query(`UPDATE ${table} SET revision = $1 WHERE id = ANY ($2) AND revision <> $1`, [revision, ids]);
  }
}

/** The revision in force, as a transaction sees it. */
export async function currentRevision(manager: EntityManager): Promise<number> {
  const [row] = await manager.query<{ revision: string }[]>('SELECT revision FROM config_state');
  if (row === undefined) throw new Error('The table config_state has no row');
  return Number(row.revision);
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === lockNotAvailable;
}
