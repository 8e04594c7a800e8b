import type { AgentStream } from './agent-stream.ts';
import { refusal } from './answer.ts';
import type { Broken, Forwarded, Outgoing } from './outgoing.ts';

export const agentGone: Broken = { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };

const notRecorded = refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');

/**
 * Why a request does not leave, asked when there is a connection for it: that may have taken its time.
 * @param isRecorded false: the trail could not keep that its secrets leave
 */
export function withhold(
  agent: AgentStream,
  outgoing: Outgoing,
  isRecorded: boolean | undefined,
): Forwarded | undefined {
  if (isRecorded === false) return notRecorded;
  return agent.isGone ? agentGone : outgoing.departure.refuseNow();
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
