import { type EntityManager, In } from 'typeorm';
import { type AgentRow, AgentTokenEntity } from './agent.entity.ts';

/** An agent as it is shown: of its token only the first characters. */
export interface AgentView {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isDisabled: boolean;
  readonly tokens: readonly AgentTokenView[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface AgentTokenView {
  readonly prefix: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

/** The views of some agents, in their order; one query for all their tokens. */
export async function viewAgents(manager: EntityManager, rows: readonly AgentRow[]): Promise<AgentView[]> {
  if (rows.length === 0) return [];
  const tokens = await manager.getRepository(AgentTokenEntity).find({
    select: { id: true, agentId: true, prefix: true, createdAt: true, expiresAt: true },
    where: { agentId: In(rows.map((row) => row.id)) },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
  return rows.map((row) => ({
    ...row,
    tokens: tokens
      .filter((token) => token.agentId === row.id)
      .map(({ prefix, createdAt, expiresAt }) => ({ prefix, createdAt, expiresAt })),
  }));
}
