import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { DataSource } from 'typeorm';
import { SecretUse } from '../../secrets/secret-use.ts';

/** Says that some agents sent so many requests each with `secret`, `prod/name@2`, and which of them an upstream rejected. */
export async function countUses(
  database: DataSource,
  secret: string,
  uses: number,
  agents: readonly string[],
  rejected: readonly string[],
): Promise<void> {
  const use = new SecretUse(database, { warn: () => undefined });
  for (const agentId of agents) {
    const status = rejected.includes(agentId) ? 403 : 200;
    const event = { secrets: [secret], decision: 'allow', status, timeMs: Date.now(), agentId };
    use.count(Array.from({ length: uses }, () => event as unknown as AuditEvent));
  }
  await use.write();
}
