import type { AgentRecord } from './snapshot.ts';

/**
 * What the MAC of an agent's row is of: all that decides who the agent is and what is for it, its tokens among them. Identities are
 * sealed for their agent by themselves.
 */
export function agentFacts(agent: Omit<AgentRecord, 'identities'>): readonly unknown[] {
  const { id, name, labels, isDisabled, tokens } = agent;
  const hashes = tokens.map(({ hash, expiresAtMs }) => `${hash} ${expiresAtMs ?? ''}`);
  return [id, name, Object.entries(labels).sort(byText), isDisabled, hashes.sort()];
}

function byText([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
