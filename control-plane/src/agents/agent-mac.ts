import { agentFacts } from '@onecli/shared/domain/agent-facts';
import type { AgentToken } from '@onecli/shared/domain/snapshot';
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import type { GuardedRow, RowGuard } from '../keys/row-guard.ts';
import { type AgentRow, AgentTokenEntity } from './agent.entity.ts';

/** What decides who an agent is; its tokens are beside it. */
type AgentFacts = Pick<AgentRow, 'id' | 'name' | 'labels' | 'isDisabled'>;

/** An agent's row with its tokens, as its MAC takes them. */
export function guardedAgent(row: AgentFacts, tokens: readonly AgentToken[]): GuardedRow {
  const { id, name, labels, isDisabled } = row;
  return { table: 'agent', called: name, facts: agentFacts({ id, name, labels, isDisabled, tokens }) };
}

/**
 * The tokens of an agent that is as this instance wrote it. A write goes on from these, and not from what lies there when it is
 * done: it must not lend its MAC to what somebody else has put there.
 * @throws Fault CONFLICT for one that was altered from outside
 */
export async function believedTokens(manager: EntityManager, guard: RowGuard, row: AgentRow): Promise<AgentToken[]> {
  const rows = await manager.find(AgentTokenEntity, {
    where: { agentId: row.id },
  });
  const tokens = rows.map(({ hash, expiresAt }) => ({ hash: hash.toString('hex'), expiresAtMs: expiresAt?.getTime() }));
  if (guard.believes(guardedAgent(row, tokens), row.mac)) return tokens;
  throw new Fault('CONFLICT', `The agent ${row.name} was altered from outside: delete it and make it anew`);
}
