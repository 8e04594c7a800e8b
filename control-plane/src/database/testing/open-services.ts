import { randomBytes } from 'node:crypto';
import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { AgentCertificateService } from '../../agents/agent-certificate.service.ts';
import { AgentService } from '../../agents/agent.service.ts';
import { AuthorityService } from '../../authority/authority.service.ts';
import { type Principal, everywhere } from '../../auth/principal.ts';
import { ChangeConfig, type Standing } from '../../configuration/change-config.ts';
import { InstanceService } from '../../instance/instance.service.ts';
import { PlanService } from '../../plan/plan.service.ts';
import { PolicyService } from '../../policies/policy.service.ts';
import { RouteService } from '../../routes/route.service.ts';
import { SecretService } from '../../secrets/secret.service.ts';
import { SecretDependentsService } from '../../secrets/secret-dependents.service.ts';
import { SecretVersionService } from '../../secrets/secret-version.service.ts';
import { createDataSource } from '../data-source.ts';

export const owner: Principal = { kind: 'user', name: 'admin', assignments: everywhere('owner') };

/** Lets every principal stand, as the ones of tests lie in no database. */
export const anybody: Standing = { require: () => Promise.resolve() };

/** Everything that the services need, on a real database, as `build.ts` would wire it. */
export async function openServices(connectionString: string, options: { master?: MasterKey; bus?: ConfigBus } = {}) {
  const { master = MasterKey.fromHex(randomBytes(32).toString('hex')), bus = new MemoryConfigBus() } = options;
  const dataSource = await createDataSource({ connectionString, connectionLost: () => undefined }).initialize();
  const source = new PostgresSnapshotSource({ connectionString });
  const warnings: string[] = [];
  const close = async () => {
    await Promise.all([source.close(), bus.close(), dataSource.destroy()]);
  };
  try {
    const keys = await new InstanceService(dataSource).open(master);
    const log = { warn: (_fields: object, message: string) => warnings.push(message) };
    const change = new ChangeConfig(dataSource, bus, log, keys.terms, anybody);
    const secrets = new SecretService(dataSource, change, keys);
    const agents = new AgentService(dataSource, change, keys);
    const certificates = new AgentCertificateService(change, keys);
    const authorities = new AuthorityService(dataSource, change, keys);
    const policies = new PolicyService(dataSource, change, keys);
    const routes = new RouteService(dataSource, change, keys);
    const plans = new PlanService(dataSource, change, keys, { secrets, agents, policies, routes });
    const secretVersions = new SecretVersionService(dataSource, change);
    const dependents = new SecretDependentsService(dataSource, policies, routes);
    const services = {
      secrets,
      secretVersions,
      dependents,
      agents,
      certificates,
      authorities,
      policies,
      routes,
      plans,
    };
    return { dataSource, source, warnings, keys, change, ...services, master, bus, close };
  } catch (error) {
    await close();
    throw error;
  }
}
