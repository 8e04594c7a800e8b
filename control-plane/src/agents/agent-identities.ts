import { type AgentIdentity, identityKeys } from '@onecli/shared/domain/identity';
import { isPlainName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import { agentIdentitiesContext } from '@onecli/shared/seal-contexts';
import { identityHash } from '@onecli/shared/vault/keyed-hash';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import { type EntityManager, In, Not } from 'typeorm';
import { type NamedKind, type ObjectRef, requireNamed } from '../configuration/object-ref.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { AgentEntity, AgentIdentityEntity, type AgentRow } from './agent.entity.ts';
import { documentOf } from './identity-document.ts';

export const agentKind: NamedKind<AgentRow> = { kind: 'agent', entity: AgentEntity, isName: isPlainName };

/** The row of an agent. @throws Fault NOT_FOUND */
export async function requireAgent(manager: EntityManager, ref: ObjectRef): Promise<AgentRow> {
  return requireNamed(manager, agentKind, ref);
}

/** Seals an agent's identities for its row. */
export function sealIdentities(keyring: Keyring, agentId: string, identities: readonly AgentIdentity[]): Buffer {
  return seal(keyring, agentIdentitiesContext(agentId), Buffer.from(JSON.stringify(identities), 'utf8'));
}

/** What an agent is recognised by. @throws Fault INTERNAL when its row was altered */
export function openIdentities(keyring: Keyring, row: AgentRow): AgentIdentity[] {
  try {
    // Every agent has some, be it none in number: a row without them was altered, and to believe it would be to forget them.
    if (row.sealedIdentities === null) throw new VaultFault('CANNOT_OPEN', 'the identities are missing');
    const opened = open(keyring, agentIdentitiesContext(row.id), row.sealedIdentities);
    return JSON.parse(opened.toString('utf8')) as AgentIdentity[];
  } catch (cause) {
    if (!(cause instanceof VaultFault)) throw cause;
    throw new Fault('INTERNAL', `The identities of the agent ${row.name} do not open: its row was altered`, { cause });
  }
}

/**
 * Takes the identities for an agent that has none, or none any more.
 * @throws Fault IDENTITY_TAKEN, with the field, when another agent has one of them; INVALID for one that is there twice
 */
export async function claimIdentities(
  manager: EntityManager,
  keys: InstanceKeys,
  agentId: string,
  identities: readonly AgentIdentity[],
): Promise<void> {
  const fields = new Map<string, string>();
  for (const [index, identity] of identities.entries()) {
    for (const key of identityKeys(identity)) {
      const field = fieldOf(identity, index, key);
      const hash = identityHash(keys.fingerprintKey, key).toString('hex');
      if (fields.has(hash)) throw new Fault('INVALID', `${field} is there twice`, { field });
      fields.set(hash, field);
    }
  }
  if (fields.size === 0) return;
  const hashes = [...fields.keys()].map((hash) => Buffer.from(hash, 'hex'));
  const [taken] = await manager.findBy(AgentIdentityEntity, { keyHash: In(hashes), agentId: Not(agentId) });
  if (taken) {
    const field = fields.get(taken.keyHash.toString('hex')) ?? 'identities';
    const other = await manager.findOneByOrFail(AgentEntity, { id: taken.agentId });
    throw new Fault('IDENTITY_TAKEN', `${field} is an identity of the agent ${other.name} already`, { field });
  }
  await manager.insert(
    AgentIdentityEntity,
    hashes.map((keyHash) => ({ keyHash, agentId })),
  );
}

/** Where in the input an identity's key stands: `identities[1].mtls.commonName`, `identities[0].source.cidrs[2]`. */
function fieldOf(identity: AgentIdentity, index: number, key: string): string {
  const [part] = Object.keys(Object.values(documentOf(identity))[0] ?? {});
  const inner =
    identity.kind === 'source'
      ? `cidrs[${identityKeys(identity).indexOf(key)}]`
      : identity.kind === 'jwt'
        ? 'issuer'
        : part;
  return `identities[${index}].${identity.kind}.${inner}`;
}
