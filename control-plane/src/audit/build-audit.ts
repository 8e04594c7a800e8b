import type { Ground } from '@onecli/shared/adapters/pick-adapters';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Config } from '../config.ts';
import type { Metrics } from '../health/metrics.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import { AuditPartitions } from './audit-partitions.ts';
import { dropOldAudit } from './audit-retention.ts';
import { AuditStore } from './audit-store.ts';
import type { AuditWriter } from './audit-writer.ts';
import { buildAuditWriter, type EventCounter } from './build-audit-writer.ts';
import { GoneWorkers } from './gone-workers.ts';
import { OpenIntents } from './open-intents.ts';
import { buildSinks } from './sinks/build-sinks.ts';
import type { SinkRunner } from './sinks/sink-runner.ts';
import { buildTrail, type Trail } from './trail/build-trail.ts';
import { thinCheckpoints } from './trail/thin-checkpoints.ts';

export interface Audit {
  readonly store: AuditStore;
  readonly writer: AuditWriter;
  readonly partitions: AuditPartitions;
  readonly trail: Trail;
  readonly sinks: SinkRunner;
  /** What one control plane does for all: the trail, what is sent, what is kept no longer. */
  readonly jobs: readonly LeaderJob[];
}

const retainEveryMs = 3_600_000;

interface Surroundings {
  readonly config: Config;
  readonly ground: Ground;
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly counters: readonly EventCounter[];
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Wires all that audit events go through: queue, list, trail, what they are sent to, and how long they are kept. */
export async function buildAudit(surroundings: Surroundings): Promise<Audit> {
  const { config, ground, database, keys, counters, metrics, log } = surroundings;
  const { adminEventDays, auditDays: days } = config;
  const { keyring, auditMacKey: macKey } = keys;
  const store = new AuditStore(database, keyring);
  const trail = buildTrail({ database, keys, store, adminEventDays, metrics, log });
  const { keeper, checkpointKey } = trail;
  const intents = new OpenIntents(keyring);
  const gone = new GoneWorkers({ database, store, intents });
  const sinks = buildSinks({ config, database, store, metrics, log });
  const retain = async (): Promise<void> => {
    await thinCheckpoints(database, Date.now());
    if (days !== undefined) await dropOldAudit({ database, keyring, macKey, checkpointKey, days }, Date.now());
  };
  return {
    store,
    writer: await buildAuditWriter(ground, { database, keys, store, intents, keeper, counters, metrics, log }),
    partitions: new AuditPartitions(database, log),
    trail,
    sinks,
    jobs: [trail.clerk, ...sinks.jobs, gone, { name: 'retention', everyMs: retainEveryMs, look: retain }],
  };
}
