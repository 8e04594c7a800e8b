/**
 * A body that is held may take as long as its agent likes, and a dial as long as its upstream does, and the secrets were chosen
 * before: what is not granted by the time that the request would leave does not leave with it (rule 5).
 */
import { hasExpired, type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import { withdrawnSecret } from '../credentials/withdrawn-secret.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { type Refusal, refusal } from './answer.ts';
import { grantsNow, type JudgedRequest } from './judge-request.ts';
import type { ServedRequest } from './served-request.ts';

/** Rules and identities have their times too: after so long policy is asked again under the same configuration. */
const askEveryMs = 1000;

/**
 * Gives a refusal when the request would not be granted now what was placed in it.
 * @param readings of the path as it leaves
 * @param used the secrets that are to leave with it
 */
export function refuseWithdrawn(
  { plane, agent, exchange }: ServedRequest,
  { configuration, identity, request, nowMs }: JudgedRequest,
  readings: readonly string[],
  used: readonly UsedSecret[],
): Refusal | undefined {
  const { current = configuration } = plane.configuration;
  if (current === configuration && Date.now() - nowMs < askEveryMs) return expiredNow(used, current);
  const grants = grantsNow(agent, { identity, request, readings }, current);
  if (grants === 'POLICY_DENIED') return exchange.deny();
  if (typeof grants === 'string') return refusal(grants, 'The identity of this connection is no longer valid.');
  const { host, port } = request.destination;
  switch (withdrawnSecret(used, { configuration: current, grants, host, port, isSecure: request.isSecure })) {
    case 'PLACEHOLDER_NOT_GRANTED':
      return notGranted;
    case 'SECRET_EXPIRED':
      return expired;
    case 'SECRET_LEASE_EXPIRED':
      return leaseExpired;
    case undefined:
      return undefined;
  }
}

function expiredNow(used: readonly UsedSecret[], configuration: Configuration): Refusal | undefined {
  for (const { secret } of used) {
    if (hasExpired(secret)) return expired;
    if (configuration.isLeaseOver(secret)) return leaseExpired;
  }
  return undefined;
}

const leaseExpired = refusal(
  'SECRET_LEASE_EXPIRED',
  'A secret of this request is not used while the gateway cannot ask its database whether it still may be.',
);
const expired = refusal('SECRET_EXPIRED', 'A secret of this request has expired while the request was on its way.');
const notGranted = refusal(
  'PLACEHOLDER_NOT_GRANTED',
  'A secret of this request is not granted any more: that changed while the request was on its way.',
);
