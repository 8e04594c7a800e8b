import type { Keyring } from '@onecli/shared/vault/keyring';
import { type EntityManager, In } from 'typeorm';
import { openIdentities } from './agent-identities.ts';
import { type AgentRow, AgentTokenEntity } from './agent.entity.ts';
import { documentOf, type IdentityDocument } from './identity-document.ts';

/** An agent as it is shown: of its token only the first characters. */
export interface AgentView {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isDisabled: boolean;
  readonly identities: readonly IdentityDocument[];
  readonly tokens: readonly AgentTokenView[];
  /** The source of configuration as code that made it; null when it was made by hand. */
  readonly managedBy: string | null;
  /** The revision that last wrote it. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface AgentTokenView {
  readonly prefix: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

/** The views of some agents, in their order; one query for all their tokens. */
export async function viewAgents(
  manager: EntityManager,
  keyring: Keyring,
  rows: readonly AgentRow[],
): Promise<AgentView[]> {
  if (rows.length === 0) return [];
  const tokens = await manager.getRepository(AgentTokenEntity).find({
    select: { id: true, agentId: true, prefix: true, createdAt: true, expiresAt: true },
    where: { agentId: In(rows.map((row) => row.id)) },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
  const byAgent = new Map<string, AgentTokenView[]>(rows.map((row) => [row.id, []]));
  for (const { agentId, prefix, createdAt, expiresAt } of tokens)
    byAgent.get(agentId)?.push({ prefix, createdAt, expiresAt });
  return rows.map(({ sealedIdentities, mac, ...row }) => ({
    ...row,
    identities: openIdentities(keyring, { ...row, sealedIdentities, mac }).map(documentOf),
    tokens: byAgent.get(row.id) ?? [],
  }));
}
