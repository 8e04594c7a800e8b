/**
 * What the audit trail costs behind the worker: `node --conditions=source --import tsx test/hostile/measure-audit-writer.ts
 * [--requests=30000] [--rate=3000] [--every=100] [--agents=1] [--hosts=1] [--profile=FILE]`. Another process puts batches into the queue as
 * a worker does, every so many milliseconds; here the control plane's own writer, the clerk that signs, and the counting for charts take them, on a PostgreSQL as the
 * product starts it. Gives microseconds of CPU a request, of this process and of all of PostgreSQL's. Each request takes a secret along.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditPartitions } from '../../control-plane/src/audit/audit-partitions.ts';
import { AuditStore } from '../../control-plane/src/audit/audit-store.ts';
import { buildAuditWriter } from '../../control-plane/src/audit/build-audit-writer.ts';
import { OpenIntents } from '../../control-plane/src/audit/open-intents.ts';
import { buildTrail } from '../../control-plane/src/audit/trail/build-trail.ts';
import { settleWriteOrder } from '../../control-plane/src/audit/write-order.ts';
import { createDataSource } from '../../control-plane/src/database/data-source.ts';
import { Metrics } from '../../control-plane/src/health/metrics.ts';
import { InstanceService } from '../../control-plane/src/instance/instance.service.ts';
import { LeaderJobs } from '../../control-plane/src/leadership/leader-jobs.ts';
import { Leadership } from '../../control-plane/src/leadership/leadership.ts';
import { SecretUse } from '../../control-plane/src/secrets/secret-use.ts';
import { TrafficRollup } from '../../control-plane/src/traffic/traffic-rollup.ts';
import { startPostgres } from '../../infra/embedded/src/embedded-postgres.ts';
import type { AuditEvent } from '../../shared/src/domain/audit-event.ts';
import { createLogger } from '../../shared/src/logger.ts';
import { MasterKey } from '../../shared/src/vault/master-key.ts';
import { familyCpuMicros } from '../support/process-facts.ts';
import { waitUntil } from '../support/wait-until.ts';
import type { FeedOrder } from './audit-feeder.ts';

const flag = (name: string): string | undefined =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);
const amount = (name: string, byDefault: number): number => Number(flag(name) ?? byDefault);
const [requests, rate, everyMs] = [amount('requests', 30_000), amount('rate', 3_000), amount('every', 100)];
const [agents, hosts] = [amount('agents', 1), amount('hosts', 1)];
const warmUp = rate * 3;

/** Counts what the writer says that it wrote. */
class CountedUse extends SecretUse {
  written = 0;

  override count(events: readonly AuditEvent[]): void {
    this.written += events.length;
    super.count(events);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'onecli-audit-cost-'));
const postgres = await startPostgres({ dataDir: folder });
try {
  await measure();
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const plane = await startControlPlane();
  const { keys, secretUse } = plane;
  const feeder = fork(new URL('audit-feeder.ts', import.meta.url), {
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });
  const order: FeedOrder = {
    connectionString: postgres.url,
    queueKey: keys.auditQueueKey.toString('hex'),
    macKey: keys.auditMacKey.toString('hex'),
    parts: [warmUp, requests],
    perBatch: Math.round((rate * everyMs) / 1_000),
    everyMs,
    agents,
    hosts,
  };
  try {
    feeder.send(order);
    await once(feeder, 'message');
    await written(feeder, secretUse, warmUp);
    const session = await startProfile();
    const before = clocks();
    await written(feeder, secretUse, warmUp + requests);
    await plane.settle();
    const after = clocks();
    await endProfile(session);
    const [own, database, seconds] = [0, 1, 2].map((at) => (after[at] ?? 0) - (before[at] ?? 0)) as [
      number,
      number,
      number,
    ];
    const each = (micros: number): string => (micros / requests).toFixed(1);
    console.log(
      `control plane ${each(own)} µs, PostgreSQL ${each(database)} µs a request; ${requests} in ${seconds.toFixed(1)} s`,
    );
    await plane.describe();
  } finally {
    feeder.kill();
    await plane.stop();
  }
}

/** CPU of this process and of PostgreSQL's, in microseconds, and seconds by the clock. */
function clocks(): readonly [number, number, number] {
  const { user, system } = process.cpuUsage();
  return [user + system, familyCpuMicros(postgres.pid), performance.now() / 1_000];
}

async function written(feeder: ReturnType<typeof fork>, use: CountedUse, count: number): Promise<void> {
  feeder.send('go');
  await waitUntil(`${count} are written`, () => use.written >= count, 120_000);
}

async function startControlPlane() {
  const database = await createDataSource({
    connectionString: postgres.url,
    connectionLost: () => undefined,
  }).initialize();
  const keys = await new InstanceService(database).open(MasterKey.fromHex(randomBytes(32).toString('hex')));
  await settleWriteOrder(database);
  const log = createLogger('measure', 'error');
  const metrics = new Metrics();
  const store = new AuditStore(database, keys.keyring);
  await new AuditPartitions(database, log).ensure(Date.now());
  const trail = buildTrail({ database, keys, store, adminEventDays: 730, metrics, log });
  const secretUse = new CountedUse(database, log);
  const ground = { connectionString: postgres.url, redis: undefined, instanceId: keys.instanceId };
  const { keeper, clerk } = trail;
  const intents = new OpenIntents(keys.keyring);
  const writer = await buildAuditWriter(ground, {
    database,
    keys,
    store,
    intents,
    keeper,
    counters: [secretUse],
    metrics,
    log,
  });
  const traffic = new TrafficRollup(database);
  const leader = new LeaderJobs({
    leadership: new Leadership(postgres.url),
    jobs: [traffic, clerk],
    log,
    led: () => undefined,
    looked: () => undefined,
  });
  secretUse.start();
  leader.start();
  await writer.start();
  const { signal } = new AbortController();
  return {
    keys,
    secretUse,
    /** Has all that follows on the writing done. */
    settle: async () => {
      await traffic.look(signal);
      await clerk.look(signal);
      await secretUse.write();
    },
    describe: async () => {
      const [sizes] = await database.query<object[]>(
        `SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit_event'))::bigint / $1::bigint AS event_bytes,
           (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit_block'))::bigint / $1::bigint AS block_bytes,
           (SELECT count(*) FROM audit_block)::int AS blocks, (SELECT count(*) FROM audit_checkpoint)::int AS checkpoints,
           (SELECT count(*) FROM audit_intent)::int AS open`,
        [requests + warmUp],
      );
      console.log(JSON.stringify(sizes));
    },
    stop: async () => {
      await leader.stop();
      await writer.close();
      await secretUse.close();
      await database.destroy();
    },
  };
}

async function startProfile(): Promise<Session | undefined> {
  if (flag('profile') === undefined) return undefined;
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 300 });
  await session.post('Profiler.start');
  return session;
}

async function endProfile(session: Session | undefined): Promise<void> {
  if (session === undefined) return;
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(flag('profile') ?? '', JSON.stringify(profile));
}
