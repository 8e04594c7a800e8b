import type { Instance, SnapshotSource } from '@onecli/shared/ports/snapshot-source';
import { instancePurposes } from '@onecli/shared/vault/instance-keys';
import type { Logger } from 'pino';
import type { KeptConfiguration } from './kept-records.ts';
import { LastKnownGood, type LastKnownGoodOptions } from './last-known-good.ts';

/** With a configuration that was kept, so long is waited for the database at a start. */
const patienceMs = 400;
const retryMs = 100;

export interface OpenedInstance {
  readonly instance: Instance;
  readonly keeping: LastKnownGood | undefined;
  readonly kept: KeptConfiguration | undefined;
  /** False: the database did not answer, and the instance is as it was kept. */
  readonly isFromStore: boolean;
}

/**
 * The instance, from the database; where that does not answer, from the file that was kept. Without either it waits.
 * A file of another instance than the database's is not used.
 */
export async function openInstance(
  source: Pick<SnapshotSource, 'instance'>,
  file: LastKnownGoodOptions | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<OpenedInstance> {
  const keeping = file && new LastKnownGood(file);
  // Asked first, so that the database has the time of reading the file to answer in.
  const asked = askInstance(source).catch(() => undefined);
  const kept = restoreWhole(keeping, log);
  const early = kept && (await Promise.race([asked, wait(patienceMs)]));
  if (kept && early === undefined) {
    log.warn(
      { revision: kept.changes.revision },
      'the database does not answer: this worker begins with what was kept',
    );
    keeping?.begin(kept.instance, true);
    return { instance: kept.instance, keeping, kept, isFromStore: false };
  }
  const instance = early ?? (await asked) ?? (await firstInstance(source, log, signal));
  const isSame = kept?.instance.id === instance.id;
  if (kept && !isSame)
    log.error({ instance: kept.instance.id }, 'the snapshot file is of another instance: it is not used');
  keeping?.begin(instance, isSame);
  return { instance, keeping, kept: isSame ? kept : undefined, isFromStore: true };
}

/** A control plane of a later version than the one before adds what is missing as it starts. */
async function askInstance(source: Pick<SnapshotSource, 'instance'>): Promise<Instance> {
  const instance = await source.instance();
  const missing = missingKeys(instance);
  if (missing.length > 0) throw new Error(`The database holds no key for ${missing.join(', ')} yet`);
  return instance;
}

function restoreWhole(keeping: LastKnownGood | undefined, log: Logger): KeptConfiguration | undefined {
  const kept = keeping?.restore();
  if (kept === undefined || missingKeys(kept.instance).length === 0) return kept;
  log.warn('the snapshot file is of an earlier release, which had not all keys: it is not used');
  return undefined;
}

function missingKeys({ instanceKeys }: Instance): string[] {
  const stored = new Set(instanceKeys.map(({ purpose }) => purpose));
  return instancePurposes.filter((purpose) => !stored.has(purpose));
}

async function firstInstance(
  source: Pick<SnapshotSource, 'instance'>,
  log: Logger,
  signal: AbortSignal,
): Promise<Instance> {
  for (let tries = 0; ; tries++) {
    try {
      return await askInstance(source);
    } catch (error) {
      if (signal.aborted) throw error;
      if (tries === 25) log.warn({ err: error }, 'still waiting for the database');
      await wait(retryMs);
    }
  }
}

function wait(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
