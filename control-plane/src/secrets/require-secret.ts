import { isSecretName } from '@onecli/shared/domain/names';
import type { EntityManager } from 'typeorm';
import { findNamed, type ObjectRef, requireNamed } from '../configuration/object-ref.ts';
import { SecretEntity, type SecretRow } from './secret.entity.ts';

const secretKind = { kind: 'secret', entity: SecretEntity, isName: isSecretName };

/** The secret that is meant, or null. */
export function findSecret(manager: EntityManager, ref: ObjectRef): Promise<SecretRow | null> {
  return findNamed(manager, secretKind, ref);
}

/** The secret that is meant. @throws Fault NOT_FOUND */
export function requireSecret(manager: EntityManager, ref: ObjectRef): Promise<SecretRow> {
  return requireNamed(manager, secretKind, ref);
}
