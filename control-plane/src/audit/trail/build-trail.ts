import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Metrics } from '../../health/metrics.ts';
import type { InstanceKeys } from '../../instance/instance-keys.ts';
import { CheckpointKey } from './checkpoint-key.ts';
import { CheckpointSigner } from './checkpoint-signer.ts';
import { TrailClerk } from './trail-clerk.ts';
import { TrailKeeper } from './trail-keeper.ts';

export interface Trail {
  /** Keeps the entries of workers; for whoever writes their rows. */
  readonly keeper: TrailKeeper;
  readonly signer: CheckpointSigner;
  readonly checkpointKey: CheckpointKey;
  readonly clerk: TrailClerk;
}

interface Surroundings {
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Wires what keeps and proves the audit trail. */
export function buildTrail({ database, keys, metrics, log }: Surroundings): Trail {
  const { keyring, auditMacKey: macKey } = keys;
  const checkpointKey = new CheckpointKey(keys.auditSigningSeed);
  const signer = new CheckpointSigner(database, checkpointKey);
  const keeper = new TrailKeeper({ keyring, macKey, log, faulty: (kind) => metrics.auditChainFaulty(kind) });
  const sound = (isSound: boolean): void => metrics.auditTreeSound(isSound);
  return { keeper, signer, checkpointKey, clerk: new TrailClerk({ database, keyring, macKey, signer, log, sound }) };
}
