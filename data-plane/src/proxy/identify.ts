/** Who is it? An agent is recognised by its proxy token; the tunnel keeps the token's hash, and asks again per request. */
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { Configuration } from '../snapshot/configuration.ts';
import { type Header, headerValues } from '../wire/head.ts';
import { type Refusal, refusal } from './answer.ts';

/** An identity that was presented and recognised. It is a claim on a token, good as long as the token is. */
export interface Identity {
  readonly kind: 'identity';
  readonly tokenHash: string;
  readonly agent: AgentRecord;
}

const basic = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/**
 * Recognises the agent of a CONNECT or absolute-form request by `Proxy-Authorization: Basic` (RFC 7617), in any letter
 * case. The password is the token; the user name may be the agent's name or anything that is no other agent's.
 */
export function identify(
  headers: readonly Header[],
  configuration: Configuration,
  pepper: Buffer,
  nowMs: number,
): Identity | Refusal {
  const values = headerValues(headers, 'proxy-authorization');
  const [value] = values;
  if (value === undefined)
    return refusal('PROXY_AUTH_REQUIRED', 'This gateway serves known agents only, and no token was sent.');
  if (values.some((other) => other !== value))
    return refusal('IDENTITY_CONFLICT', 'Two different Proxy-Authorization headers were sent.');
  const credentials = basic.exec(value)?.[1];
  if (credentials === undefined)
    return refusal('PROXY_AUTH_INVALID', 'Proxy-Authorization must be Basic with the agent token as its password.');
  const { user, password } = splitCredentials(credentials);
  const hash = tokenHash(pepper, password === '' ? user : password).toString('hex');
  const known = configuration.agentByToken(hash, nowMs);
  if (!known) return refusal('PROXY_AUTH_INVALID', 'The agent token is not valid.');
  const isConflict = password !== '' && user !== known.agent.name && configuration.hasAgentNamed(user);
  if (isConflict) return refusal('IDENTITY_CONFLICT', 'The user name is one agent’s and the token another’s.');
  return { kind: 'identity', tokenHash: hash, agent: known.agent };
}

/** Is the identity of a tunnel still good under the configuration of now? A rotation or a disabled agent ends it. */
export function confirmIdentity(identity: Identity, configuration: Configuration, nowMs: number): Identity | Refusal {
  const known = configuration.agentByToken(identity.tokenHash, nowMs);
  if (!known) return refusal('PROXY_AUTH_INVALID', 'The agent token of this connection is no longer valid.');
  return known.agent === identity.agent ? identity : { ...identity, agent: known.agent };
}

function splitCredentials(base64: string): { readonly user: string; readonly password: string } {
  const text = Buffer.from(base64, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? { user: text, password: '' } : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
