import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Config } from '../../config.ts';
import type { Metrics } from '../../health/metrics.ts';
import { GuardedCaller } from '../../rotation/call-provider.ts';
import type { AuditStore } from '../audit-store.ts';
import { lastCheckpoint } from '../trail/checkpoint-store.ts';
import type { Sink } from './sink.ts';
import { SinkRunner } from './sink-runner.ts';
import { SyslogSink } from './syslog-sink.ts';
import { WebhookSink } from './webhook-sink.ts';

interface Surroundings {
  readonly config: Config;
  readonly database: DataSource;
  readonly store: AuditStore;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Wires where audit events are sent to. What is called is guarded as what agents call. */
export function buildSinks({ config, database, store, metrics, log }: Surroundings): SinkRunner {
  const { allowRanges, connectTo, rootsPem } = config.outgoing;
  const address = config.bind === 'localhost' ? '127.0.0.1' : config.bind;
  const guard = new AddressGuard({ allowRanges, ownListeners: [{ address, port: config.apiPort }] });
  const resolver = new CheckedResolver({ guard, ...(connectTo && { connectTo }) });
  const secureContext = createUpstreamContext(rootsPem);
  const sinks: Sink[] = [];
  const { webhook, syslog } = config.auditSinks;
  if (webhook !== undefined) {
    const checkpoint = async (): Promise<string | null> => (await lastCheckpoint(database.manager))?.note ?? null;
    sinks.push(new WebhookSink({ ...webhook, caller: new GuardedCaller({ resolver, secureContext }), checkpoint }));
  }
  if (syslog !== undefined) sinks.push(new SyslogSink({ target: syslog, resolver, secureContext }));
  return new SinkRunner({
    database,
    store,
    sinks,
    log,
    sent: (sink, events) => metrics.auditSent(sink, events),
    failed: (sink) => metrics.auditSinkFailed(sink),
  });
}
