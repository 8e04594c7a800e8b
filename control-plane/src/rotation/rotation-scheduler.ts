import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import { RotationEntity, type RotationRow, RunEntity, type RunRow } from './rotation.entity.ts';
import type { RotationEngine } from './rotation-engine.ts';
import { isRestoreOpen } from './restored.ts';
import { nextRun } from './rotation-store.ts';

interface SchedulerLog {
  error(fields: object, message: string): void;
}

export interface RotationSchedulerOptions {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly engine: RotationEngine;
  readonly log: SchedulerLog;
}

const lookEveryMs = 1_000;
/** Steps at once for the secrets of one environment: what its providers keep waiting holds up no other environment. */
const maxUnderwayOfEnvironment = 8;
const maxUnderway = 128;
/** Runs of one environment that are begun at one look: each is a change of the configuration. */
const maxBegunOfEnvironment = 10;

/** Begins runs that are due, and brings those under way on. */
export class RotationScheduler implements LeaderJob {
  readonly name = 'rotations';
  readonly everyMs = lookEveryMs;
  readonly #options: RotationSchedulerOptions;
  readonly #underway = new Map<string, Promise<void>>();

  constructor(options: RotationSchedulerOptions) {
    this.#options = options;
  }

  /** Waits for the steps under way, which end soon after the signal that `look` was given. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underway.values());
  }

  /**
   * Begins what is due, and sets about every step that is. Steps that wait for a provider are given up when the signal aborts, and
   * taken up again by whoever leads next. While a restore is not confirmed nothing is done.
   */
  readonly look = async (signal: AbortSignal): Promise<void> => {
    if (await isRestoreOpen(this.#options.database.manager)) return;
    await this.#beginDue();
    // Those under way are due still, so that they are counted too.
    const due = await this.#options.database.query<{ id: string }[]>(
      `SELECT id FROM (
         SELECT r.id, r.next_at, row_number() OVER (PARTITION BY split_part(s.name, '/', 1) ORDER BY r.next_at, r.id) AS place
         FROM rotation_run r JOIN secret s ON s.id = r.secret_id WHERE r.finished_at IS NULL AND r.next_at <= now()) due
       WHERE place <= $1 ORDER BY place, next_at LIMIT $2`,
      [maxUnderwayOfEnvironment, maxUnderway],
    );
    for (const { id } of due) {
      if (this.#underway.size >= maxUnderway) break;
      if (!this.#underway.has(id)) this.#underway.set(id, this.#advance(id, signal));
    }
  };

  async #advance(id: string, signal: AbortSignal): Promise<void> {
    const { engine, log } = this.#options;
    try {
      await engine.advance(id, signal);
    } catch (error) {
      log.error({ err: error, run: id }, 'a step of a rotation failed unexpectedly; it will be tried again');
    } finally {
      this.#underway.delete(id);
    }
  }

  /** However many times were missed, one run catches up. One that cannot begin, since another is under way, is due on. */
  async #beginDue(): Promise<void> {
    const { database, change } = this.#options;
    const due = await database.query<{ id: string }[]>(
      `SELECT id FROM (
         SELECT r.id, r.next_run_at, row_number() OVER (PARTITION BY split_part(s.name, '/', 1) ORDER BY r.next_run_at, r.id) AS place
         FROM rotation r JOIN secret s ON s.id = r.secret_id WHERE r.is_enabled AND r.next_run_at <= now()
           AND NOT EXISTS (SELECT FROM rotation_run u WHERE u.secret_id = r.secret_id AND u.finished_at IS NULL
             AND u.step NOT IN ('GRACE', 'REVOKING'))) due
       WHERE place <= $1 ORDER BY place, next_run_at LIMIT 100`,
      [maxBegunOfEnvironment],
    );
    for (const { id } of due) {
      await change.changeConfig(systemPrincipal, async (tx) => {
        const row = await tx.manager.findOneBy(RotationEntity, { id });
        if (row === null || !isDue(row) || (await isRestoreOpen(tx.manager))) return;
        const secret = await tx.manager.findOneBy(SecretEntity, { id: row.secretId });
        if (secret === null || (await hasActiveRun(tx.manager.query.bind(tx.manager), row.secretId))) return;
        const run = newRun(row.secretId, secret.currentVersion, 'schedule');
        await tx.manager.insert(RunEntity, run);
        const nextRunAt = row.schedule === null ? null : (nextRun(row.schedule, row.zone, new Date()) ?? null);
        await tx.manager.update(RotationEntity, { id }, { nextRunAt });
        tx.audit('rotation:begun', 'secret', secret.name, { run: run.id, cause: 'schedule' });
      });
    }
  }
}

function isDue({ isEnabled, nextRunAt }: RotationRow): boolean {
  return isEnabled && nextRunAt !== null && nextRunAt.getTime() <= Date.now();
}

/** Whether a run of a secret is under way whose new version has not yet proven itself. */
export async function hasActiveRun(
  query: (sql: string, parameters: unknown[]) => Promise<unknown[]>,
  secretId: string,
): Promise<boolean> {
  const rows = await query(
    `SELECT 1 FROM rotation_run WHERE secret_id = $1 AND finished_at IS NULL AND step NOT IN ('GRACE', 'REVOKING')`,
    [secretId],
  );
  return rows.length > 0;
}

/** A run that has not begun yet. */
export function newRun(secretId: string, oldVersion: number, cause: RunRow['cause']): RunRow {
  const now = new Date();
  return {
    id: randomUUID(),
    secretId,
    step: 'CREATING',
    attempts: 0,
    mayLeaveKey: false,
    nextAt: now,
    cause,
    oldVersion,
    newVersion: null,
    watchUntil: null,
    graceUntil: null,
    outcome: null,
    problem: null,
    startedAt: now,
    finishedAt: null,
  };
}
