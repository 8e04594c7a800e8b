import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Services } from '../api/services.ts';
import type { Audit } from '../audit/build-audit.ts';
import type { Access } from '../auth/build-access.ts';
import { AuthorityWatch } from '../authority/authority-watch.ts';
import type { Config } from '../config.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { WorkerSessionsWatch } from '../database/worker-sessions.ts';
import type { Metrics } from '../health/metrics.ts';
import type { KeyRotation } from '../keys/key-rotation.ts';
import type { Rotation } from '../rotation/build-rotation.ts';
import { ExpiryWatch } from '../secrets/expiry-watch.ts';
import { TrafficRollup } from '../traffic/traffic-rollup.ts';
import { LeaderJobs } from './leader-jobs.ts';
import { Leadership } from './leadership.ts';

interface Surroundings {
  readonly config: Config;
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
}

interface Parts {
  readonly services: Pick<Services, 'authorities'>;
  readonly access: Pick<Access, 'sweep'>;
  readonly audit: Pick<Audit, 'jobs' | 'sinks'>;
  readonly rotation: Pick<Rotation, 'scheduler'>;
  readonly keyRotation: KeyRotation;
}

/** Wires what one control plane does for all of them. */
export function buildLeader(
  { config, database, change, metrics, log }: Surroundings,
  { services: { authorities }, access, audit, keyRotation, rotation: { scheduler } }: Parts,
): { start(): void; stop(): Promise<void> } {
  const expiry = new ExpiryWatch({ database, change, log, seen: (counts) => metrics.secretsExpiring(counts) });
  const authority = new AuthorityWatch({
    database,
    authorities,
    log,
    seen: (kind, at) => metrics.authorityEnds(kind, at),
  });
  const traffic = new TrafficRollup(database, config.auditDays);
  const leader = new LeaderJobs({
    leadership: new Leadership(config.databaseUrl),
    jobs: [keyRotation, scheduler, expiry, authority, access.sweep, traffic, ...audit.jobs],
    log,
    led: (isLeading) => metrics.leads(isLeading),
    looked: (job, isDone) => metrics.leaderLooked(job, isDone),
  });
  const sessions = new WorkerSessionsWatch(database, log);
  return {
    start: () => {
      sessions.start();
      leader.start();
    },
    stop: async () => {
      await sessions.stop();
      await leader.stop();
      await scheduler.settled();
      audit.sinks.close();
    },
  };
}
