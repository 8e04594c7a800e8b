import { isDeepStrictEqual } from 'node:util';
import type { Binding } from '@onecli/shared/domain/binding';
import { bindingCovers, hasExpired, type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';

/** Why one of the secrets that left, or are to leave, would not leave now. */
export function withdrawnSecret(
  used: readonly UsedSecret[],
  scope: PlacementScope,
): 'PLACEHOLDER_NOT_GRANTED' | 'SECRET_EXPIRED' | 'SECRET_LEASE_EXPIRED' | undefined {
  for (const { secret, version } of used) {
    const now = scope.grants.has(secret.name) ? scope.configuration.secret(secret.name) : undefined;
    if (now?.id !== secret.id || now.isDisabled || !now.versions.has(version.version)) return 'PLACEHOLDER_NOT_GRANTED';
    if (!isBoundStill(now.binding, secret.binding, scope)) return 'PLACEHOLDER_NOT_GRANTED';
    if (hasExpired(now)) return 'SECRET_EXPIRED';
    if (scope.configuration.isLeaseOver(now)) return 'SECRET_LEASE_EXPIRED';
  }
  return undefined;
}

/** More hosts may be bound now. In any other way a binding that is another one may not cover the place of its secret. */
function isBoundStill(now: Binding, before: Binding, scope: PlacementScope): boolean {
  return bindingCovers(now, scope) && isDeepStrictEqual({ ...now, hosts: [] }, { ...before, hosts: [] });
}
