/** What a rotation that is under way has to do with the deletion of its secret, which ends the run with it. */
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import { keyLeft, keyMayExist } from '../rotation/left-keys.ts';
import type { SecretRow } from './secret.entity.ts';

interface OpenRun {
  readonly id: string;
  readonly step: string;
  readonly attempts: number;
  readonly may_leave_key: boolean;
  readonly is_restored: boolean;
}

/**
 * What is recorded of a deletion that leaves keys of a run at their provider.
 * @throws Fault CONFLICT while a run has a key there, or may have one, that nobody would know of any more
 */
export async function keysLeftBy(
  manager: EntityManager,
  { id, name }: SecretRow,
): Promise<Readonly<Record<string, unknown>>> {
  const runs = await manager.query<OpenRun[]>(
    `SELECT r.id, r.step, r.attempts, r.may_leave_key, c.restored_at IS NOT NULL AS is_restored FROM rotation_run r CROSS JOIN config_state c
     WHERE r.secret_id = $1 AND r.finished_at IS NULL`,
    [id],
  );
  if (runs.some(hasUnknownKey))
    throw new Fault(
      'CONFLICT',
      `A rotation of ${name} may have a key at the provider that is in use nowhere yet: cancel it first (\`onecli rotation cancel ${name}\`), and wait for its end`,
    );
  const left = runs.filter((run) => hasOldKey(run) || run.may_leave_key).map(({ id: run, step }) => ({ run, step }));
  if (left.length === 0) return {};
  const oldKeyMayWork = 'a rotation was under way: the key that it was to end may still work at the provider';
  const problems = [
    ...(runs.some(hasOldKey) ? [oldKeyMayWork] : []),
    ...(runs.some((run) => run.may_leave_key) ? [keyMayExist] : []),
  ];
  return { ...keyLeft, runs: left, problem: problems.join('; ') };
}

function hasOldKey({ step }: OpenRun): boolean {
  return step !== 'CREATING';
}

/** Those of a restored backup are not brought on, so that nobody could wait for their end. */
function hasUnknownKey({ step, attempts, is_restored: isRestored }: OpenRun): boolean {
  if (isRestored) return false;
  return step === 'CREATING' ? attempts > 0 : !['WATCHING', 'GRACE', 'REVOKING'].includes(step);
}
