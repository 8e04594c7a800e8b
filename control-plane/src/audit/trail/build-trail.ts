import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Metrics } from '../../health/metrics.ts';
import type { InstanceKeys } from '../../instance/instance-keys.ts';
import { CheckpointKey } from './checkpoint-key.ts';
import { CheckpointSigner } from './checkpoint-signer.ts';
import type { AuditStore } from '../audit-store.ts';
import { ExportService } from '../export/export.service.ts';
import { GrownStretches } from './grown-stretches.ts';
import { TrailClerk } from './trail-clerk.ts';
import { TrailKeeper } from './trail-keeper.ts';
import { TrailService } from './trail.service.ts';

export interface Trail {
  /** Keeps the entries of workers; for whoever writes their rows. */
  readonly keeper: TrailKeeper;
  readonly checkpointKey: CheckpointKey;
  readonly service: TrailService;
  readonly exports: ExportService;
  readonly clerk: TrailClerk;
}

interface Surroundings {
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly store: AuditStore;
  readonly adminEventDays: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Wires what keeps and proves the audit trail. */
export function buildTrail({ database, keys, store, adminEventDays, metrics, log }: Surroundings): Trail {
  const { keyring, auditMacKey: macKey } = keys;
  const checkpointKey = new CheckpointKey(keys.auditSigningSeed);
  const grown = new GrownStretches();
  const signer = new CheckpointSigner(database, checkpointKey, grown);
  const sound = (isSound: boolean | undefined): void => metrics.auditTreeSound(isSound);
  const service = new TrailService({ database, keyring, macKey, checkpointKey, signer, adminEventDays });
  return {
    keeper: new TrailKeeper({ keyring, macKey, log, faulty: (kind) => metrics.auditChainFaulty(kind), grown }),
    checkpointKey,
    service,
    exports: new ExportService({ database, store, trail: service }),
    clerk: new TrailClerk({ database, keyring, macKey, signer, sound }),
  };
}
