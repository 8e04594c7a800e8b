import type { Binding } from './domain/binding.ts';
import { bindingHash } from './vault/binding-hash.ts';
import type { SealContext } from './vault/seal.ts';

/**
 * What each ciphertext is bound to. Both planes use these, so that what one seals the other opens, and a row moved,
 * re-pointed or renumbered by someone with access to the database does not open.
 */

/** A secret version's value: bound to the secret, its version and its binding. */
export function secretVersionContext(secretId: string, version: number, binding: Binding): SealContext {
  return { table: 'secret_version', column: 'sealed', rowId: secretId, version, bindingHash: bindingHash(binding) };
}

/** The provider's own id of the key that a secret version is: it names a key, and is sealed in case it is more than a name. */
export function secretKeyIdContext(secretId: string, version: number): SealContext {
  return { table: 'secret_version', column: 'sealed_key_id', rowId: secretId, version };
}

/** A policy's body; `version` grows with each write. */
export function policyContext(policyId: string, version: number): SealContext {
  return { table: 'policy', column: 'sealed_body', rowId: policyId, version };
}

/** A route's body; `version` grows with each write. */
export function routeContext(routeId: string, version: number): SealContext {
  return { table: 'route', column: 'sealed_body', rowId: routeId, version };
}

/** What an agent asked a person to approve. */
export function approvalContext(approvalId: string): SealContext {
  return { table: 'approval', column: 'sealed_body', rowId: approvalId, version: 1 };
}

/** An agent's identities: what is sealed for one agent recognises no other. */
export function agentIdentitiesContext(agentId: string): SealContext {
  return { table: 'agent', column: 'sealed_identities', rowId: agentId, version: 1 };
}

/** The private key of the certificate authority. */
export function authorityContext(authorityId: string): SealContext {
  return { table: 'certificate_authority', column: 'sealed_key', rowId: authorityId, version: 1 };
}

/** The private key of the authority for client certificates. It opens in no other authority's place. */
export function clientAuthorityContext(authorityId: string): SealContext {
  return { table: 'client_authority', column: 'sealed_key', rowId: authorityId, version: 1 };
}

/** The detail of an audit event (its path and findings). */
export function auditDetailContext(eventId: string): SealContext {
  return { table: 'audit_event', column: 'sealed_detail', rowId: eventId, version: 1 };
}

/** The lines of a block of the audit trail: they open in no other tree and at no other place of it. */
export function auditBlockContext(treeId: string, firstIndex: number): SealContext {
  return { table: 'audit_block', column: 'sealed_lines', rowId: `${treeId}/${firstIndex}`, version: 1 };
}

/** How a secret is rotated; `version` grows with each write. */
export function rotationContext(rotationId: string, version: number): SealContext {
  return { table: 'rotation', column: 'sealed_body', rowId: rotationId, version };
}
