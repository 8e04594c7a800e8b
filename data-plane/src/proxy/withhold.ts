import type { AgentStream } from './agent-stream.ts';
import type { Broken, Forwarded, Outgoing } from './outgoing.ts';

export const agentGone: Broken = { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };

/** Why a request does not leave, asked when there is a connection for it: that may have taken its time. */
export function withhold(agent: AgentStream, outgoing: Outgoing): Forwarded | undefined {
  return agent.isGone ? agentGone : outgoing.refuseNow();
}
