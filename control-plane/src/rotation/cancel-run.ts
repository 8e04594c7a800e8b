import { Fault } from '@onecli/shared/fault';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import type { SecretRow } from '../secrets/secret.entity.ts';
import { bringBackOld } from './current-version.ts';
import type { RunRow } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';
import { finished } from './rotation-store.ts';

/**
 * What becomes of a run that is to go no further. Until the new version has proven itself the old one stays, or is the current one
 * again, and the new key is ended; after that both keys stay. @throws Fault CONFLICT when it is too late
 */
export async function cancelRun(
  tx: ConfigTransaction,
  secret: SecretRow,
  { run, body }: { readonly run: RunRow; readonly body: RotationBody },
): Promise<Partial<RunRow>> {
  switch (run.step) {
    case 'CREATING':
    case 'DELIVERING':
    case 'VERIFYING':
    case 'SWITCHING':
      return undone(cancelled);
    case 'WATCHING':
      return cancelWatched(tx, secret, { run, body });
    case 'GRACE':
      return finished('CANCELLED', `${cancelled}: the new version is current, and the old key was not ended`);
    case 'REVOKING':
    case 'UNDOING':
      throw new Fault('CONFLICT', 'One of its keys is being ended: it cannot be cancelled any more');
  }
}

const cancelled = 'somebody cancelled it';

function undone(problem: string): Partial<RunRow> {
  return { step: 'UNDOING', outcome: 'CANCELLED', problem };
}

async function cancelWatched(
  tx: ConfigTransaction,
  secret: SecretRow,
  { run, body }: { readonly run: RunRow; readonly body: RotationBody },
): Promise<Partial<RunRow>> {
  if (secret.currentVersion !== run.newVersion)
    return finished('SUPERSEDED', 'somebody gave the secret another value meanwhile: the old key was not ended');
  // What was handed over may be all that is accepted now.
  if (body.deliver !== undefined)
    throw new Fault(
      'CONFLICT',
      'The new value was handed over and is in use: roll the secret back by hand if it has to be',
    );
  if (!(await bringBackOld(tx, secret, run)))
    throw new Fault('CONFLICT', 'The old version was destroyed meanwhile: there is nothing to go back to');
  return undone(`${cancelled}: the old version is current again`);
}
