import type { AgentStream } from './agent-stream.ts';
import type { Broken, Forwarded, Outgoing } from './outgoing.ts';

export const agentGone: Broken = { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };

/** Why a request does not leave, asked when there is a connection for it: that may have taken its time. */
export function withhold(agent: AgentStream, outgoing: Outgoing): Forwarded | undefined {
  return agent.isGone ? agentGone : outgoing.refuseNow();
}

/** What is waited for; undefined as soon as the agent goes away. */
export function unlessGone<T>(agent: AgentStream, awaited: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (value: T | undefined): void => {
      agent.onGone = undefined;
      resolve(value);
    };
    agent.onGone = () => settle(undefined);
    if (agent.isGone) return settle(undefined);
    awaited.then(settle, reject);
  });
}
