import { EntitySchema } from 'typeorm';
import { revisionColumn } from '../configuration/revision-column.ts';

export interface RotationRow {
  id: string;
  secretId: string;
  version: number;
  sealedBody: Buffer;
  schedule: string | null;
  zone: string;
  isEnabled: boolean;
  nextRunAt: Date | null;
  /** That last set it; that it was run is no change of it. */
  revision: number;
  createdAt: Date;
  updatedAt: Date;
}

export const RotationEntity = new EntitySchema<RotationRow>({
  name: 'rotation',
  columns: {
    id: { type: 'uuid', primary: true },
    secretId: { name: 'secret_id', type: 'uuid', unique: true },
    version: { type: 'integer' },
    sealedBody: { name: 'sealed_body', type: 'bytea' },
    schedule: { type: 'text', nullable: true },
    zone: { type: 'text' },
    isEnabled: { name: 'is_enabled', type: 'boolean' },
    nextRunAt: { name: 'next_run_at', type: 'timestamptz', nullable: true },
    revision: revisionColumn,
    createdAt: { name: 'created_at', type: 'timestamptz' },
    updatedAt: { name: 'updated_at', type: 'timestamptz' },
  },
});

/**
 * Where a run stands. CREATING: the provider is asked for a key. DELIVERING: a generated one is handed over. VERIFYING: the
 * canary request. SWITCHING: the new version becomes current. WATCHING: is it rejected? GRACE: the old one may still be pinned.
 * REVOKING: the old key is ended. UNDOING: the new key is ended, for `outcome` says that it is not to stay.
 */
export const runSteps = [
  'CREATING',
  'DELIVERING',
  'VERIFYING',
  'SWITCHING',
  'WATCHING',
  'GRACE',
  'REVOKING',
  'UNDOING',
] as const;
export type RunStep = (typeof runSteps)[number];
export const runOutcomes = ['DONE', 'FAILED', 'ROLLED_BACK', 'SUPERSEDED', 'CANCELLED'] as const;
export type RunOutcome = (typeof runOutcomes)[number];

export interface RunRow {
  id: string;
  secretId: string;
  step: RunStep;
  attempts: number;
  nextAt: Date;
  cause: 'asked' | 'schedule';
  oldVersion: number;
  newVersion: number | null;
  /** A call may have made a key at the provider that did not come. */
  mayLeaveKey: boolean;
  watchUntil: Date | null;
  graceUntil: Date | null;
  outcome: RunOutcome | null;
  /** What went wrong, without values. */
  problem: string | null;
  startedAt: Date;
  finishedAt: Date | null;
}

export const RunEntity = new EntitySchema<RunRow>({
  name: 'rotation_run',
  columns: {
    id: { type: 'uuid', primary: true },
    secretId: { name: 'secret_id', type: 'uuid' },
    step: { type: 'text' },
    attempts: { type: 'integer' },
    nextAt: { name: 'next_at', type: 'timestamptz' },
    cause: { type: 'text' },
    oldVersion: { name: 'old_version', type: 'integer' },
    newVersion: { name: 'new_version', type: 'integer', nullable: true },
    mayLeaveKey: { name: 'may_leave_key', type: 'boolean' },
    watchUntil: { name: 'watch_until', type: 'timestamptz', nullable: true },
    graceUntil: { name: 'grace_until', type: 'timestamptz', nullable: true },
    outcome: { type: 'text', nullable: true },
    problem: { type: 'text', nullable: true },
    startedAt: { name: 'started_at', type: 'timestamptz' },
    finishedAt: { name: 'finished_at', type: 'timestamptz', nullable: true },
  },
});
