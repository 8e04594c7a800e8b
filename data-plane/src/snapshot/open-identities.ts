import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { SealedAgent } from '@onecli/shared/ports/snapshot-source';
import { agentIdentitiesContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open } from '@onecli/shared/vault/seal';
import type { Logger } from 'pino';

/**
 * What recognises an agent. One whose identities do not open, or are not there although every agent has some, is recognised by
 * nothing, and the others go on.
 */
export function openIdentities(keyring: Keyring, agent: SealedAgent, log: Logger): readonly AgentIdentity[] {
  try {
    if (agent.sealedIdentities === undefined) throw new Error('its identities are missing');
    const text = open(keyring, agentIdentitiesContext(agent.id), agent.sealedIdentities).toString('utf8');
    return JSON.parse(text) as AgentIdentity[];
  } catch (error) {
    log.error({ err: error, agent: agent.name }, 'the identities of an agent were altered: it is not recognised');
    return [];
  }
}
