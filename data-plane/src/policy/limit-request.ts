import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import { type Refusal, refusal } from '../proxy/answer.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Exchange } from '../proxy/exchange.ts';

/**
 * Counts a request that policy has allowed under the limits of its rules: it holds its places until the exchange lets them
 * go. Gives a refusal when one of them is exceeded.
 */
export async function limitRequest(
  plane: Pick<DataPlane, 'policyLimits'>,
  exchange: Exchange,
  limits: readonly RuleLimits[],
  agentId: string,
): Promise<Refusal | undefined> {
  const admission = await plane.policyLimits.admit(limits, agentId);
  if (admission.kind === 'admitted') {
    exchange.admitted(admission);
    return undefined;
  }
  const { code, rule, retryAfterSeconds } = admission;
  exchange.rule = rule;
  const what = code === 'RATE_LIMITED' ? 'in its time' : 'at once';
  return refusal(code, `This agent has sent as many requests ${what} as a rule allows.`, { retryAfterSeconds });
}
