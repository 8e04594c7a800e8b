/** How what lies sealed in the store is opened. */
import { agentFacts } from '@onecli/shared/domain/agent-facts';
import type { PolicyBody } from '@onecli/shared/domain/policy';
import type { RouteBody } from '@onecli/shared/domain/route';
import type { SealedPolicy, SealedRoute } from '@onecli/shared/ports/snapshot-source';
import { policyContext, routeContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { isRowMac } from '@onecli/shared/vault/row-mac';
import { open } from '@onecli/shared/vault/seal';
import type { Logger } from 'pino';
import type { Openers } from './apply-changes.ts';
import { openIdentities } from './open-identities.ts';

/**
 * Openers of bodies and identities, which throw a VaultFault for what does not open under the keyring.
 * @param rowKey the instance's key for `row-mac`
 */
export function openers(keyring: Keyring, rowKey: Buffer, log: Logger): Openers {
  return {
    isBelieved: (agent) => {
      if (!keyring.hasRowMacs || isRowMac(rowKey, 'agent', agentFacts(agent), agent.mac)) return true;
      log.error({ agent: agent.name, id: agent.id }, 'the row of an agent was altered: it is not recognised');
      return false;
    },
    openBody: (policy) => openBody(keyring, policy),
    openRoute: (route) => openRoute(keyring, route),
    openIdentities: (agent) => openIdentities(keyring, agent, log),
  };
}

function openBody(keyring: Keyring, policy: SealedPolicy): PolicyBody {
  const text = open(keyring, policyContext(policy.id, policy.version), policy.sealedBody).toString('utf8');
  return JSON.parse(text) as PolicyBody;
}

function openRoute(keyring: Keyring, route: SealedRoute): RouteBody {
  const text = open(keyring, routeContext(route.id, route.version), route.sealedBody).toString('utf8');
  return JSON.parse(text) as RouteBody;
}
