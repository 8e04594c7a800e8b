/** Which adapters stand behind the ports: those on Redis where there is one, else those on PostgreSQL. Nothing else asks. */
import type { AuditConsumer } from '../ports/audit-queue.ts';
import type { ConfigBus } from '../ports/config-bus.ts';
import type { SharedCounts } from '../ports/shared-counts.ts';
import type { RedisSettings } from '../redis-settings.ts';
import type { AuditQueueStore } from './queue/audit-queue-thread.ts';
import { redisPrefix } from './redis/redis-prefix.ts';

/** What an instance of OneCLI stands on. */
export interface Ground {
  readonly connectionString: string;
  readonly redis: RedisSettings | undefined;
  readonly instanceId: string;
}

/** Loads what is needed alone: a worker without Redis has none of its client in memory. */
export async function pickConfigBus(ground: Ground, key: Buffer): Promise<ConfigBus> {
  if (ground.redis) {
    const { RedisConfigBus } = await import('./redis/config-bus.ts');
    return new RedisConfigBus({ settings: ground.redis, prefix: redisPrefix(ground.instanceId), key });
  }
  const { PostgresConfigBus } = await import('./postgres/config-bus.ts');
  return new PostgresConfigBus({ connectionString: ground.connectionString, key });
}

/** Where workers put audit events, for the thread that does it. */
export function pickAuditQueueStore(ground: Ground): AuditQueueStore {
  if (ground.redis) return { kind: 'redis', settings: ground.redis, prefix: redisPrefix(ground.instanceId) };
  return { kind: 'postgres', connectionString: ground.connectionString };
}

/** Where the control plane takes them from. */
export async function pickAuditConsumer(
  ground: Ground,
  key: Buffer,
  report: (error: Error) => void,
): Promise<AuditConsumer> {
  if (ground.redis) {
    const { RedisAuditConsumer } = await import('./redis/audit-queue.ts');
    return new RedisAuditConsumer({ settings: ground.redis, prefix: redisPrefix(ground.instanceId), key, report });
  }
  const { PostgresAuditConsumer } = await import('./postgres/audit-queue.ts');
  return new PostgresAuditConsumer({ connectionString: ground.connectionString, key, report });
}

/** What all workers count together; without Redis nothing, and each counts for itself. */
export async function pickSharedCounts({ redis, instanceId }: Ground, key: Buffer): Promise<SharedCounts | undefined> {
  if (!redis) return undefined;
  const { RedisSharedCounts } = await import('./redis/shared-counts.ts');
  return new RedisSharedCounts({ settings: redis, prefix: redisPrefix(instanceId), key });
}
