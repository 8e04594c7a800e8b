import { type Ground, pickAuditConsumer } from '@onecli/shared/adapters/pick-adapters';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { logSparingly } from '@onecli/shared/log-sparingly';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Metrics } from '../health/metrics.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { AuditStore } from './audit-store.ts';
import { AuditWriter } from './audit-writer.ts';
import { EarlyBatches } from './early-batches.ts';
import type { OpenIntents } from './open-intents.ts';
import type { TrailKeeper } from './trail/trail-keeper.ts';
import { TrailStore } from './trail-store.ts';

/** Takes what it wants from batches of events, once they are written. */
export interface EventCounter {
  count(events: readonly AuditEvent[]): void;
}

interface AuditParts {
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly store: AuditStore;
  readonly intents: OpenIntents;
  readonly keeper: TrailKeeper;
  readonly counters: readonly EventCounter[];
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Wires what takes the trails of workers from the queue into the database. */
export async function buildAuditWriter(
  ground: Ground,
  { database, keys, store, intents, keeper, counters, metrics, log }: AuditParts,
): Promise<AuditWriter> {
  const report = logSparingly(log, 'the audit queue reports a fault');
  const consumer = await pickAuditConsumer(ground, keys.auditQueueKey, report);
  const early = new EarlyBatches(keys.auditQueueKey);
  return new AuditWriter({
    consumer,
    store,
    trail: new TrailStore({ database, store, intents, early, keeper, keyring: keys.keyring, macKey: keys.auditMacKey }),
    log,
    written: (events, lagSeconds) => {
      metrics.auditWritten(events.length, lagSeconds);
      for (const counter of counters) counter.count(events);
    },
    failed: () => metrics.auditFailed(),
  });
}
