import { DataSource, type EntitySchema } from 'typeorm';
import { AgentEntity, AgentIdentityEntity, AgentTokenEntity } from '../agents/agent.entity.ts';
import { authorityEntities } from '../authority/authority.entity.ts';
import { PolicyEntity } from '../policies/policy.entity.ts';
import { RotationEntity, RunEntity } from '../rotation/rotation.entity.ts';
import { RouteEntity } from '../routes/route.entity.ts';
import { DestroyedVersionEntity, SecretEntity, SecretVersionEntity } from '../secrets/secret.entity.ts';
import { BoundedClient, idleTransactionMs, statementTimeoutMs } from './bounded-client.ts';
import { AddAccessRevisions } from './add-access-revisions.migration.ts';
import { AddAgentIdentities } from './add-agent-identities.migration.ts';
import { AddAliases } from './add-aliases.migration.ts';
import { AddClientAuthorityRotation } from './add-client-authority-rotation.migration.ts';
import { AddBootSeal } from './add-boot-seal.migration.ts';
import { AddFindingCount } from './add-finding-count.migration.ts';
import { AddForgottenWorkers } from './add-forgotten-workers.migration.ts';
import { AddKeyMakers } from './add-key-makers.migration.ts';
import { AddKeyRotation } from './add-key-rotation.migration.ts';
import { AddAuthorityRotation } from './add-authority-rotation.migration.ts';
import { AddAuditOrder } from './add-audit-order.migration.ts';
import { AddAuditSinks } from './add-audit-sinks.migration.ts';
import { AddAuditTree } from './add-audit-tree.migration.ts';
import { AddAuditTrail } from './add-audit-trail.migration.ts';
import { AddLastingKeys } from './add-lasting-keys.migration.ts';
import { AddManagedBy } from './add-managed-by.migration.ts';
import { AddObjectRevisions } from './add-object-revisions.migration.ts';
import { AddPrincipals } from './add-principals.migration.ts';
import { AddRejectingAgents } from './add-rejecting-agents.migration.ts';
import { AddRestore } from './add-restore.migration.ts';
import { AddRotations } from './add-rotations.migration.ts';
import { AddSecretLease } from './add-secret-lease.migration.ts';
import { AddSecretLifecycle } from './add-secret-lifecycle.migration.ts';
import { AddApprovals } from './add-approvals.migration.ts';
import { AddDoubtedKeys } from './add-doubted-keys.migration.ts';
import { AddRowMacs } from './add-row-macs.migration.ts';
import { AddRoutes } from './add-routes.migration.ts';
import { AddTraffic } from './add-traffic.migration.ts';
import { AddWorkerRole } from './add-worker-role.migration.ts';
import { AddAuditWriteOrder } from './add-audit-write-order.migration.ts';
import { AddClosedIntents } from './add-closed-intents.migration.ts';
import { BindWorkerRole } from './bind-worker-role.migration.ts';
import { AddRestoreMemory } from './add-restore-memory.migration.ts';
import { LetOwnerReport } from './let-owner-report.migration.ts';
import { PinWorkerHeartbeat } from './pin-worker-heartbeat.migration.ts';
import { CreateConfiguration } from './create-configuration.migration.ts';
import { UnsealBootHeads } from './unseal-boot-heads.migration.ts';

/** Every step of the schema. Their numbers say in which order. */
export const migrations = [
  CreateConfiguration,
  AddAgentIdentities,
  AddAliases,
  AddRoutes,
  AddObjectRevisions,
  AddManagedBy,
  AddKeyRotation,
  AddLastingKeys,
  AddRestore,
  AddPrincipals,
  AddAuditOrder,
  AddSecretLifecycle,
  AddRotations,
  AddAuthorityRotation,
  AddRejectingAgents,
  AddKeyMakers,
  AddWorkerRole,
  AddSecretLease,
  AddAuditTree,
  AddAuditSinks,
  AddAuditTrail,
  AddBootSeal,
  PinWorkerHeartbeat,
  AddFindingCount,
  AddClientAuthorityRotation,
  AddTraffic,
  AddAuditWriteOrder,
  BindWorkerRole,
  AddClosedIntents,
  LetOwnerReport,
  AddRestoreMemory,
  UnsealBootHeads,
  AddAccessRevisions,
  AddForgottenWorkers,
  AddRowMacs,
  AddDoubtedKeys,
  AddApprovals,
];

export interface DataSourceOptions {
  /** A PostgreSQL URL; `postgresql:///name?host=/folder` for a unix socket. */
  readonly connectionString: string;
  /** Connections at most; default 8. */
  readonly maxConnections?: number;
  /** Called when an idle connection breaks; the pool opens another when it is next asked. */
  readonly connectionLost: (error: Error) => void;
}

const connectTimeoutMs = 5_000;

/**
 * The control plane's database, not yet connected: call `initialize()`. It never changes the schema by itself; migrations
 * run when the instance is opened.
 */
export function createDataSource(options: DataSourceOptions): DataSource {
  const entities: EntitySchema[] = [
    SecretEntity,
    SecretVersionEntity,
    DestroyedVersionEntity,
    RotationEntity,
    RunEntity,
    AgentEntity,
    AgentIdentityEntity,
    AgentTokenEntity,
    PolicyEntity,
    RouteEntity,
    ...Object.values(authorityEntities),
  ];
  return new DataSource({
    type: 'postgres',
    url: options.connectionString,
    entities,
    migrations: [...migrations],
    migrationsTableName: 'schema_migration',
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    logging: false,
    connectTimeoutMS: connectTimeoutMs,
    poolErrorHandler: options.connectionLost,
    applicationName: 'onecli-control-plane',
    extra: {
      max: options.maxConnections ?? 8,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: idleTransactionMs,
      keepAlive: true,
      Client: BoundedClient,
    },
  });
}
