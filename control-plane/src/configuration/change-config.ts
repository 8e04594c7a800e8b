import { randomUUID } from 'node:crypto';
import { Fault } from '@onecli/shared/fault';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import { type DataSource, type EntityManager, QueryFailedError } from 'typeorm';
import type { Principal } from '../auth/principal.ts';
import { lockForChange } from './lock-for-change.ts';

export type ConfigKind = 'secret' | 'agent' | 'policy' | 'route' | 'authority';
export type ConfigOperation = 'upsert' | 'remove';

/** What a change may do inside its transaction. */
export interface ConfigTransaction {
  readonly manager: EntityManager;
  /** Says that workers must read this row again, or forget it. */
  changed(kind: ConfigKind, id: string, operation: ConfigOperation): void;
  /** Records the admin's action. `detail` names changed fields, never values. */
  audit(action: string, objectKind: ConfigKind, objectName: string, detail?: Readonly<Record<string, unknown>>): void;
}

/** The part of a logger that is needed here. */
export interface WarningLog {
  warn(fields: object, message: string): void;
}

interface Recorded {
  readonly changes: Map<string, { kind: ConfigKind; id: string; operation: ConfigOperation }>;
  readonly events: { action: string; objectKind: ConfigKind; objectName: string; detail: object }[];
}

const lockNotAvailable = '55P03';

/** The only way to change configuration: rows, revision, change records and the admin's event commit together or not at all. */
export class ChangeConfig {
  readonly #dataSource: DataSource;
  readonly #bus: ConfigBus;
  readonly #log: WarningLog;

  constructor(dataSource: DataSource, bus: ConfigBus, log: WarningLog) {
    this.#dataSource = dataSource;
    this.#bus = bus;
    this.#log = log;
  }

  /**
   * Runs `work` in a transaction that no other change overlaps, so that revisions become visible in order. When `work`
   * reports a change the revision grows by one and, after the commit, is announced; else it stays as it was. A bus
   * that is away is logged: workers find the revision when they next look.
   * @throws what `work` throws, after undoing everything; Fault CONFLICT when another change holds the lock too long
   */
  async changeConfig<T>(
    principal: Principal,
    work: (tx: ConfigTransaction) => Promise<T>,
  ): Promise<{ result: T; revision: number }> {
    const outcome = await this.#dataSource
      .transaction('READ COMMITTED', async (manager) => {
        await lockForChange(manager);
        const recorded: Recorded = { changes: new Map(), events: [] };
        const result = await work(transactionOf(manager, recorded));
        return {
          result,
          revision: await commitRecorded(manager, principal, recorded),
          isNew: recorded.changes.size > 0,
        };
      })
      .catch((cause: unknown) => {
        throw isLockTimeout(cause)
          ? new Fault('CONFLICT', 'Another change of the configuration is still under way', { cause })
          : cause;
      });
    if (outcome.isNew) await this.#announce(outcome.revision);
    return { result: outcome.result, revision: outcome.revision };
  }

  async #announce(revision: number): Promise<void> {
    try {
      await this.#bus.announce(revision);
    } catch (error) {
      this.#log.warn({ err: error, revision }, 'the revision could not be announced; workers will find it by looking');
    }
  }
}

function transactionOf(manager: EntityManager, recorded: Recorded): ConfigTransaction {
  return {
    manager,
    changed(kind, id, operation) {
      recorded.changes.set(`${kind} ${id}`, { kind, id, operation });
    },
    audit(action, objectKind, objectName, detail = {}) {
      recorded.events.push({ action, objectKind, objectName, detail });
    },
  };
}

async function commitRecorded(manager: EntityManager, principal: Principal, recorded: Recorded): Promise<number> {
  const isChange = recorded.changes.size > 0;
  const revision = isChange ? await nextRevision(manager) : await currentRevision(manager);
  const by = `${principal.kind}:${principal.name}`;
  for (const { kind, id, operation } of recorded.changes.values()) {
    await manager.query(
      'INSERT INTO config_change (revision, kind, object_id, operation, principal) VALUES ($1, $2, $3, $4, $5)',
      [revision, kind, id, operation, by],
    );
  }
  for (const { action, objectKind, objectName, detail } of recorded.events) {
    await manager.query(
      `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
       VALUES ($1, now(), $2, $3, $4, $5, $6, $7)`,
      [randomUUID(), by, action, objectKind, objectName, revision, JSON.stringify(detail)],
    );
  }
  return revision;
}

async function nextRevision(manager: EntityManager): Promise<number> {
  // One row and no RETURNING: TypeORM gives the rows of an UPDATE in a shape of its own.
  await manager.query('UPDATE config_state SET revision = revision + 1');
  return currentRevision(manager);
}

async function currentRevision(manager: EntityManager): Promise<number> {
  const [row] = await manager.query<{ revision: string }[]>('SELECT revision FROM config_state');
  if (row === undefined) throw new Error('The table config_state has no row');
  return Number(row.revision);
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === lockNotAvailable;
}
