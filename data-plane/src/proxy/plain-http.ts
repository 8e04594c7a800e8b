/** Plain HTTP inside a CONNECT: nobody between agent and gateway is kept from reading it, so a rule has to ask for it. */
import { type HostRules, mayReachHost } from '@onecli/shared/domain/evaluate-policy';
import type { Tunnel } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';

/** The refusal of a request that came without TLS inside a tunnel where no rule has `plainHttp`; undefined for any other. */
export function refusePlainHttp(tunnel: Tunnel | undefined, rules: HostRules, nowMs: number): Refusal | undefined {
  if (!tunnel || tunnel.isSecure) return undefined;
  const host = mayReachHost(rules, nowMs);
  if (host.kind === 'allow' && host.options.plainHttp) return undefined;
  return refusal('BAD_REQUEST', 'Only TLS may go through CONNECT to this host.', {
    hint: 'Use https. For http send the absolute URL to the proxy, without CONNECT; or ask an admin for an allow rule with plainHttp.',
  });
}
