import { environmentOf, isSecretName } from '@onecli/shared/domain/names';
import type { EntityManager } from 'typeorm';
import type { Action } from '../auth/actions.ts';
import { authorizeEither, authorizeSomewhere, may } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { findNamed, notThere, type ObjectRef, requireNamed } from '../configuration/object-ref.ts';
import { SecretEntity, type SecretRow } from './secret.entity.ts';

const secretKind = { kind: 'secret', entity: SecretEntity, isName: isSecretName };

/** What is about to be done with a secret: one of these actions is enough. */
type Actions = readonly [Action, ...Action[]];

/** The secret that is meant, or null. Whoever asks has authorized that. */
export function findSecret(manager: EntityManager, ref: ObjectRef): Promise<SecretRow | null> {
  return findNamed(manager, secretKind, ref);
}

/** The secret that is meant. Whoever asks has authorized that. @throws Fault NOT_FOUND */
export function requireSecret(manager: EntityManager, ref: ObjectRef): Promise<SecretRow> {
  return requireNamed(manager, secretKind, ref);
}

/**
 * Refuses what can be refused before the secret is looked for: a name tells its environment, an id does not.
 * @throws Fault FORBIDDEN
 */
export function authorizeAhead(principal: Principal, actions: Actions, ref: ObjectRef): void {
  if (typeof ref === 'string') authorizeEither(principal, actions, environmentOf(ref));
  else authorizeSomewhere(principal, actions);
}

/**
 * The secret that is meant, for a principal who may take one of the actions in its environment; null when it is not there. By an id
 * none is there for one who may not even read it: he does not learn that it is, nor where.
 * @throws Fault FORBIDDEN
 */
export async function findSecretFor(
  manager: EntityManager,
  principal: Principal,
  actions: Actions,
  ref: ObjectRef,
): Promise<SecretRow | null> {
  authorizeAhead(principal, actions, ref);
  const row = await findSecret(manager, ref);
  if (row === null) return null;
  const environment = environmentOf(row.name);
  const isSeen = ([...actions, 'secret:read'] as const).some((action) => may(principal, action, environment));
  if (typeof ref !== 'string' && !isSeen) return null;
  authorizeEither(principal, actions, environment);
  return row;
}

/** As `findSecretFor`. @throws Fault NOT_FOUND, FORBIDDEN */
export async function requireSecretFor(
  manager: EntityManager,
  principal: Principal,
  actions: Actions,
  ref: ObjectRef,
): Promise<SecretRow> {
  const row = await findSecretFor(manager, principal, actions, ref);
  if (row === null) throw notThere(secretKind.kind, ref);
  return row;
}
