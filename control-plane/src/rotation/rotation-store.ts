/** Rotations and their runs as rows. */
import { Cron } from 'croner';
import { Fault } from '@onecli/shared/fault';
import { rotationContext } from '@onecli/shared/seal-contexts';
import { open, seal } from '@onecli/shared/vault/seal';
import type { EntityManager } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { RotationRow, RunOutcome, RunRow } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';

/** When a schedule is due next after a moment; undefined: never again. Cron text of five fields, in a time zone. */
export function nextRun(schedule: string, zone: string, after: Date): Date | undefined {
  const cron = new Cron(schedule, { timezone: zone, paused: true, mode: '5-part' });
  try {
    return cron.nextRun(after) ?? undefined;
  } finally {
    cron.stop();
  }
}

export function sealBody(keys: InstanceKeys, id: string, version: number, body: RotationBody): Buffer {
  return seal(keys.keyring, rotationContext(id, version), Buffer.from(JSON.stringify(body), 'utf8'));
}

/** @throws Fault INTERNAL when the row was altered */
export function openBody(keys: InstanceKeys, row: RotationRow): RotationBody {
  try {
    return JSON.parse(
      open(keys.keyring, rotationContext(row.id, row.version), row.sealedBody).toString('utf8'),
    ) as RotationBody;
  } catch (cause) {
    throw new Fault('INTERNAL', 'A rotation does not open: its row was altered', { cause });
  }
}

/** What is known of the use of a version since it is there. */
export interface VersionUses {
  readonly uses: number;
  /** How often the upstream then said 401 or 403. */
  readonly rejections: number;
  /** How many agents used it, and how many were rejected: 2 stands for more. */
  readonly agents: number;
  readonly rejectedAgents: number;
}

export async function usesOf(manager: EntityManager, secretId: string, version: number): Promise<VersionUses> {
  const [row] = await manager.query<{ uses: string; rejections: string; agents: number; rejected: number }[]>(
    `SELECT uses, rejections, cardinality(used_by) AS agents, cardinality(rejected_by) AS rejected
     FROM secret_use WHERE secret_id = $1 AND version = $2`,
    [secretId, version],
  );
  return {
    uses: Number(row?.uses ?? 0),
    rejections: Number(row?.rejections ?? 0),
    agents: row?.agents ?? 0,
    rejectedAgents: row?.rejected ?? 0,
  };
}

/** Whether a later run may still go back to this run's old version. */
export async function isOldNeeded(manager: EntityManager, run: RunRow): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `SELECT 1 FROM rotation_run WHERE secret_id = $1 AND id <> $2 AND finished_at IS NULL AND old_version = $3
       AND step NOT IN ('GRACE', 'REVOKING')`,
    [run.secretId, run.id, run.oldVersion],
  );
  return rows.length > 0;
}

/** Whether the new version of a run has not yet proven itself. */
export function isActive({ step }: Pick<RunRow, 'step'>): boolean {
  return step !== 'GRACE' && step !== 'REVOKING';
}

/** What is written of a run that has ended. */
export function finished(outcome: RunOutcome, problem: string | null): Partial<RunRow> {
  return { outcome, problem, finishedAt: new Date() };
}
