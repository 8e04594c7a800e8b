/**
 * A body that is held may take as long as its agent likes, and its secrets were chosen before it came: what is not granted by
 * the time that the request would leave does not leave with it (rule 5).
 */
import { isDeepStrictEqual } from 'node:util';
import { hasExpired, type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { Configuration } from '../snapshot/configuration.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import type { Exchange } from './exchange.ts';
import { grantsNow, type JudgedRequest } from './judge-request.ts';

/** Rules and identities have their times too: after so long policy is asked again under the same configuration. */
const askEveryMs = 1000;

/**
 * Gives a refusal when the request would not be granted now what was placed in it.
 * @param readings of the path as it leaves
 * @param used the secrets that are to leave with it
 */
export function refuseWithdrawn(
  plane: Pick<DataPlane, 'configuration'>,
  agent: AgentStream,
  exchange: Exchange,
  { configuration, identity, request, nowMs }: JudgedRequest,
  readings: readonly string[],
  used: readonly UsedSecret[],
): Refusal | undefined {
  const { current = configuration } = plane.configuration;
  if (current === configuration && Date.now() - nowMs < askEveryMs)
    return used.some(({ secret }) => hasExpired(secret)) ? expired : undefined;
  const grants = grantsNow(agent, { identity, request, readings }, current);
  if (grants === 'POLICY_DENIED') return exchange.deny();
  if (typeof grants === 'string') return refusal(grants, 'The identity of this connection is no longer valid.');
  for (const one of used) {
    const refused = refuseSecret(one, grants, current);
    if (refused) return refused;
  }
  return undefined;
}

const expired = refusal('SECRET_EXPIRED', 'A secret of this request has expired while its body was on its way.');
const notGranted = refusal(
  'PLACEHOLDER_NOT_GRANTED',
  'A secret of this request is not granted any more: that changed while its body was on its way.',
);

/** A binding that is another one now may not cover the place where the secret stands. */
function refuseSecret(
  { secret, version }: UsedSecret,
  grants: ReadonlySet<string>,
  configuration: Configuration,
): Refusal | undefined {
  const now = grants.has(secret.name) ? configuration.secret(secret.name) : undefined;
  if (now?.id !== secret.id || now.isDisabled || !now.versions.has(version.version)) return notGranted;
  if (!isDeepStrictEqual(now.binding, secret.binding)) return notGranted;
  return hasExpired(now) ? expired : undefined;
}
