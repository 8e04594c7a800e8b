import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import { pickConfigBus } from '@onecli/shared/adapters/pick-adapters';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import { hostname } from 'node:os';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { AgentCertificateService } from './agents/agent-certificate.service.ts';
import { AgentService } from './agents/agent.service.ts';
import { ApprovalIntake } from './approvals/approval-intake.ts';
import { ApprovalService } from './approvals/approval.service.ts';
import { createApp } from './api/create-app.ts';
import { GraphqlApi } from './api/graphql-api.ts';
import type { Services } from './api/services.ts';
import type { AuditPartitions } from './audit/audit-partitions.ts';
import { MacKeyService } from './audit/trail/mac-key.service.ts';
import { AuditService } from './audit/audit.service.ts';
import type { AuditWriter } from './audit/audit-writer.ts';
import { type Audit, buildAudit } from './audit/build-audit.ts';
import { type Access, accessStores, buildAccess } from './auth/build-access.ts';
import { setUpAdmin, warnOfPassword } from './auth/users/set-up-admin.ts';
import { AuthorityService } from './authority/authority.service.ts';
import { BackupService } from './backup/backup.service.ts';
import { DestroyedFile } from './backup/destroyed-list.ts';
import type { Config } from './config.ts';
import { ChangeConfig } from './configuration/change-config.ts';
import { dashboardRoutes } from './dashboard/dashboard-routes.ts';
import { HealthCheck } from './health/health-check.ts';
import { lookUpGauges } from './health/look-up-gauges.ts';
import { type Gauges, Metrics } from './health/metrics.ts';
import type { InstanceKeys } from './instance/instance-keys.ts';
import { KeyRotation } from './keys/key-rotation.ts';
import { KeysService } from './keys/keys.service.ts';
import { PlanService } from './plan/plan.service.ts';
import { PolicyService } from './policies/policy.service.ts';
import { buildRotation, type Rotation } from './rotation/build-rotation.ts';
import { RouteService } from './routes/route.service.ts';
import { buildLeader } from './leadership/build-leader.ts';
import { SecretDependentsService } from './secrets/secret-dependents.service.ts';
import { SecretService } from './secrets/secret.service.ts';
import { SimulationService } from './simulation/simulation.service.ts';
import { PolicyImpactService } from './simulation/policy-impact.service.ts';
import { ReachService } from './simulation/reach.service.ts';
import { TrafficStore } from './traffic/traffic-store.ts';
import { TrafficService } from './traffic/traffic.service.ts';
import { AppliedWait } from './workers/applied-wait.ts';
import { SecretUse } from './secrets/secret-use.ts';
import { SecretVersionService } from './secrets/secret-version.service.ts';
import { type BundleSources, SupportBundleService } from './support/support-bundle.service.ts';
import { ControlPlaneTracing } from './telemetry.ts';
import { WorkerService } from './workers/worker.service.ts';
import { WorkerStore } from './workers/worker-store.ts';

/** The parts of a control plane, wired. Each is started and ended by `main.ts`. */
export interface ControlPlane {
  readonly app: Express;
  readonly health: HealthCheck;
  /** Takes audit events from the queue until `close`. */
  readonly auditWriter: AuditWriter;
  readonly partitions: AuditPartitions;
  /** Keeps the key terms at what is committed. */
  readonly keyRotation: KeyRotation;
  /** Begins what is done in the background; `close` ends it. */
  startTasks(): void;
  /** Ends what is open, the database last. */
  close(): Promise<void>;
}

/** An open database and the keys of its instance. */
export interface Foundation {
  readonly database: DataSource;
  readonly keys: InstanceKeys;
}

/** Wires the control plane over an open instance, and sets up its admin. @throws ConfigFault when nobody could sign in */
export async function build(config: Config, { database, keys }: Foundation, log: Logger): Promise<ControlPlane> {
  const stores = await storesWithAdmin(config, { database, keys }, log);
  const metrics = new Metrics();
  const tracing = await ControlPlaneTracing.start(config, metrics);
  const ground = { connectionString: config.databaseUrl, redis: config.redis, instanceId: keys.instanceId };
  const bus = await pickConfigBus(ground, keys.busKey);
  const secretUse = new SecretUse(database, log);
  const approvalIntake = new ApprovalIntake({ database, keys, log });
  const counters = [secretUse, approvalIntake];
  const audit = await buildAudit({ config, ground, database, keys, counters, metrics, log });
  const health = buildHealth(database, audit.writer, metrics);
  const keyRotation = buildKeyRotation({ database, keys }, log);
  const change = new ChangeConfig(database, counted(bus, metrics), log, keys.terms, stores.standing, tracing?.changed);
  const access = await buildAccess({ config, database, keys, stores, change, log });
  const rotation = buildRotation({ config, database, keys, change, log });
  const { masterKey, settings } = config;
  const configured = buildServices({ database, keys }, { change, audit, access, masterKey, rotation });
  const gauges = () => lookUpGauges(database, audit.writer.queueElsewhere);
  const supportBundles = buildSupportBundles({ ...configured, database, settings, health }, metrics, gauges);
  const services: Services = { ...configured, supportBundles };
  const destroyedFile = openDestroyedFile(config, { database, keys }, log);
  const parts = { services, access, audit, rotation, keyRotation };
  const leader = buildLeader({ config, database, change, metrics, log }, parts);
  const { authenticator, refusals } = access;
  const { trustedProxies, proxyUrl } = config;
  const graphql = await GraphqlApi.start(services, { refusals, metrics, log });
  const served = { graphql, dashboard: await dashboardRoutes({ proxyUrl }), health, gauges };
  return {
    app: createApp({ services, authenticator, refusals, trustedProxies, ...served, metrics, log, tracing }),
    health,
    auditWriter: audit.writer,
    partitions: audit.partitions,
    keyRotation,
    startTasks: () => [...counters, leader].forEach((task) => task.start()),
    close: async () => {
      for (const part of [destroyedFile, graphql, leader]) await part?.stop();
      for (const part of [audit.writer, ...counters, bus]) await part.close();
      await database.destroy();
      await tracing?.close();
    },
  };
}

/** Who may come in, with the admin that the configuration names. */
async function storesWithAdmin(config: Config, { database, keys }: Foundation, log: Logger) {
  const stores = accessStores(config, { database, keys });
  // Before there is a bus: workers find what it changes by looking.
  const unheard = new ChangeConfig(database, new MemoryConfigBus(), log, keys.terms, stores.standing);
  const admin = { name: config.adminUser, password: config.adminPassword };
  await setUpAdmin(stores.users, unheard, admin);
  await warnOfPassword(admin, log);
  return stores;
}

function buildKeyRotation({ database, keys: { terms, rows } }: Foundation, log: Logger): KeyRotation {
  return new KeyRotation({ database, terms, rows, name: `${hostname()}-${process.pid}`, log });
}

function buildHealth(database: DataSource, writer: AuditWriter, metrics: Metrics): HealthCheck {
  return new HealthCheck({
    database,
    isConsuming: () => writer.isConsuming,
    isRedisReachable: () => writer.queueElsewhere?.isReachable(),
    revisionSeen: (revision) => metrics.revisionSeen(revision),
  });
}

/** The bus, with a count of what is announced by it: each change of the configuration once. */
function counted(bus: ConfigBus, metrics: Metrics): ConfigBus {
  return {
    announce: (revision) => {
      metrics.configChanged();
      return bus.announce(revision);
    },
    listen: (heard, signal) => bus.listen(heard, signal),
    close: () => bus.close(),
  };
}

function buildSupportBundles(
  sources: Omit<BundleSources, 'metricsText'>,
  metrics: Metrics,
  gauges: () => Promise<Gauges>,
): SupportBundleService {
  const metricsText = async () => {
    metrics.take(await gauges());
    return metrics.text();
  };
  return new SupportBundleService({ ...sources, metricsText });
}

interface Parts {
  readonly change: ChangeConfig;
  readonly audit: Audit;
  readonly access: Access;
  readonly masterKey: MasterKey;
  readonly rotation: Rotation;
}

function buildServices(
  { database, keys }: Foundation,
  { change, audit, access, masterKey, rotation }: Parts,
): Omit<Services, 'supportBundles'> {
  const workerStore = new WorkerStore(database);
  const planned = {
    secrets: new SecretService(database, change, keys),
    agents: new AgentService(database, change, keys),
    policies: new PolicyService(database, change, keys),
    routes: new RouteService(database, change, keys),
  };
  return {
    ...planned,
    rotations: rotation.service,
    secretVersions: new SecretVersionService(database, change),
    dependents: new SecretDependentsService(database, planned.policies, planned.routes),
    certificates: new AgentCertificateService(change, keys),
    approvals: new ApprovalService({ database, change, keys, policies: planned.policies }),
    plans: new PlanService(database, change, keys, planned),
    audit: new AuditService(audit.store),
    trail: audit.trail.service,
    auditExports: audit.trail.exports,
    macKeys: new MacKeyService({ database, logins: access.logins, keyring: keys.keyring, macKey: keys.auditMacKey }),
    simulations: new SimulationService(database, planned.policies, audit.store),
    impacts: new PolicyImpactService(database, planned.policies, audit.store),
    reach: new ReachService(database, planned.policies),
    traffic: new TrafficService(database, new TrafficStore(database)),
    workers: new WorkerService(workerStore, change),
    applied: new AppliedWait(workerStore),
    authorities: new AuthorityService(database, change, keys),
    keys: new KeysService(database, change, keys.terms),
    backups: new BackupService(database, change, keys, masterKey),
    ...access.services,
  };
}

function openDestroyedFile(
  { destroyedFile: path }: Config,
  { database, keys }: Foundation,
  log: Logger,
): DestroyedFile | undefined {
  if (path === undefined) return undefined;
  const file = new DestroyedFile({ database, path, key: keys.destroyedKey, log });
  file.start();
  return file;
}
