import type { AgentStream } from './agent-stream.ts';
import { refusal } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import type { Forwarded, Sending, Stale } from './outgoing.ts';
import { agentGone } from './withhold.ts';

/**
 * Why there was no answer at all: by the agent, its body, the clock, or the upstream. `wasReused`: the connection may have
 * been closed under us.
 */
export function explainSilence(
  agent: AgentStream,
  upstream: Pick<AnswerSource, 'hasTimedOut'>,
  sending: Sending,
  wasReused: boolean,
): Forwarded | Stale {
  if (sending.fault !== undefined && sending.fault !== 'agent-gone') return sending.fault;
  if (sending.fault === 'agent-gone' || agent.isGone) {
    return agentGone;
  }
  if (upstream.hasTimedOut) {
    return !sending.isDone && sending.waitsFor === 'agent'
      ? refusal('REQUEST_TIMEOUT', 'The request body did not arrive in time.')
      : refusal('UPSTREAM_TIMEOUT', 'The upstream did not answer in time.');
  }
  return wasReused
    ? { kind: 'stale' }
    : refusal('UPSTREAM_UNREACHABLE', 'The upstream closed the connection without an answer.');
}
