/**
 * Who is it? Everything that a connection or request presents is gathered, and has to name one agent. A tunnel keeps what
 * was presented, so that it is asked again when the configuration has changed or something has expired.
 */
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { type Refusal, refusal } from '../proxy/answer.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { type Header, headerValues } from '../wire/head.ts';
import { type IdentityIndex, isWithin } from './identity-index.ts';
import { isWithdrawn, type VerifiedJwt } from './jwt-index.ts';
import type { JwtVerifier } from './jwt-verifier.ts';
import type { Peer } from './peer.ts';

/** An agent that was recognised, by what, and how long that holds. */
export interface Identity {
  readonly kind: 'identity';
  readonly agent: AgentRecord;
  readonly presented: Presented;
  /** The revision of the configuration that said so. */
  readonly revision: number;
  /** Milliseconds since the epoch; Infinity when nothing of it expires. */
  readonly untilMs: number;
}

/** What was presented. Tokens are there as keyed hashes only. */
export interface Presented {
  readonly kind: 'presented';
  readonly peer: Peer;
  readonly token: { readonly hash: string /** Empty when none was sent. */; readonly user: string } | undefined;
  readonly jwt: VerifiedJwt | undefined;
  /** Those that have the name of some agent's identity. */
  readonly headers: readonly Header[];
}

/** What recognising needs beside the configuration. */
export interface Recognition {
  readonly tokenPepper: Buffer;
  readonly jwts: JwtVerifier;
}

const basic = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Recognises the agent of a CONNECT or absolute-form request: by `Proxy-Authorization` (Basic with the token, RFC 7617, the
 * user name being the agent's or anything that is no other agent's; or Bearer with a JWT, RFC 6750), by client certificate,
 * by header and by source address. What is presented and not valid refuses, whatever else is valid.
 */
export function identify(
  recognition: Recognition,
  peer: Peer,
  headers: readonly Header[],
  configuration: Configuration,
  nowMs: number,
): Identity | Refusal | Promise<Identity | Refusal> {
  const { identities } = configuration;
  const values = headerValues(headers, 'proxy-authorization');
  const [value] = values;
  if (values.some((other) => other !== value))
    return refusal('IDENTITY_CONFLICT', 'Two different Proxy-Authorization headers were sent.');
  const known = identities.headers.size === 0 ? [] : headers.filter(({ name }) => identities.headers.has(name));
  const presented = { kind: 'presented' as const, peer, token: undefined, jwt: undefined, headers: known };
  if (value === undefined) return recognise(presented, configuration, nowMs);
  const credentials = basic.exec(value)?.[1];
  if (credentials !== undefined)
    return recognise({ ...presented, token: readToken(credentials, recognition.tokenPepper) }, configuration, nowMs);
  const text = bearer.exec(value)?.[1];
  if (text === undefined || identities.jwts.isEmpty)
    return invalid('Proxy-Authorization must be Basic with the agent token as its password.', identities);
  const verified = recognition.jwts.verify(text, identities.jwts, nowMs);
  const settle = (result: Awaited<typeof verified>): Identity | Refusal => {
    if (result.kind === 'unavailable')
      return refusal('IDENTITY_PROVIDER_UNAVAILABLE', 'The keys of the JWT issuer cannot be had.');
    if (result.kind === 'invalid') return invalid(`The JWT is not valid: ${result.detail}.`, identities);
    return recognise({ ...presented, jwt: result.jwt }, configuration, nowMs);
  };
  return verified instanceof Promise ? verified.then(settle) : settle(verified);
}

/** Is the identity of a tunnel still good? Once for each configuration, and at the end of what expires. */
export function confirmIdentity(identity: Identity, configuration: Configuration, nowMs: number): Identity | Refusal {
  // A store that went back may come to a revision again that was another one before: its agents are other records then.
  const isSame = configuration.snapshot.agents.get(identity.agent.id) === identity.agent;
  const isAsBefore = isSame && identity.revision === configuration.revision && !isTakenBack(identity.presented);
  if (isAsBefore && nowMs < identity.untilMs) return identity;
  const again = recognise(identity.presented, configuration, nowMs);
  if (again.kind === 'identity' && again.agent.id === identity.agent.id) return again;
  return refusal('PROXY_AUTH_INVALID', 'The identity of this connection is no longer valid.');
}

/** The key of its JWT's issuer, or the authority of its certificate, is trusted no more. */
function isTakenBack({ jwt, peer: { certificate } }: Presented): boolean {
  return isWithdrawn(jwt) || (certificate?.kind === 'trusted' && certificate.issuer?.isWithdrawn === true);
}

interface Recognised {
  readonly agent: AgentRecord;
  readonly untilMs: number;
}

function recognise(presented: Presented, configuration: Configuration, nowMs: number): Identity | Refusal {
  const { identities } = configuration;
  const found: Recognised[] = [];
  for (const step of [byToken, byJwt, byCertificate, byHeader, bySource]) {
    const result = step(presented, identities, nowMs);
    if ('kind' in result) return result;
    found.push(...result);
  }
  const [first, ...others] = found;
  if (!first) {
    const required = refusal(
      'PROXY_AUTH_REQUIRED',
      'This gateway serves known agents only, and nothing was sent that names one.',
    );
    return { ...required, acceptsBearer: !identities.jwts.isEmpty };
  }
  if (others.some(({ agent }) => agent !== first.agent))
    return refusal('IDENTITY_CONFLICT', 'Two identities were presented, and they are of different agents.');
  if (first.agent.isDisabled) return invalid('The agent is disabled.', identities);
  const untilMs = Math.min(...found.map((one) => one.untilMs));
  return { kind: 'identity', agent: first.agent, presented, revision: configuration.revision, untilMs };
}

type Step = (presented: Presented, identities: IdentityIndex, nowMs: number) => readonly Recognised[] | Refusal;

const byToken: Step = ({ token, peer }, identities, nowMs) => {
  if (!token) return [];
  const known = identities.tokens.get(token.hash);
  if (!known || nowMs >= known.expiresAtMs) return invalid('The agent token is not valid.', identities);
  if (!isWithin(known.ranges, peer.source))
    return invalid('The agent token is not valid from this address.', identities);
  if (token.user !== known.agent.name && identities.hasAgentNamed(token.user))
    return refusal('IDENTITY_CONFLICT', 'The user name is one agent’s and the token another’s.');
  return [{ agent: known.agent, untilMs: known.expiresAtMs }];
};

const byJwt: Step = ({ jwt }, identities, nowMs) => {
  if (!jwt) return [];
  if (nowMs >= jwt.expiresAtMs) return invalid('The JWT has expired.', identities);
  const agents = [...identities.jwts.agentsOf(jwt)];
  if (agents.length === 0)
    return invalid('The JWT is valid, and for no agent: its audience or claims are others.', identities);
  return agents.map((agent) => ({ agent, untilMs: jwt.expiresAtMs }));
};

/** A certificate of no agent is none: meshes send theirs everywhere. One that is not trusted is an attempt. */
const byCertificate: Step = ({ peer: { certificate } }, identities, nowMs) => {
  if (!certificate) return [];
  if (certificate.kind === 'untrusted' || certificate.issuer?.isWithdrawn === true)
    return invalid('The client certificate is not of an authority that this gateway trusts for agents.', identities);
  if (nowMs >= certificate.expiresAtMs) return invalid('The client certificate has expired.', identities);
  return certificate.names.flatMap((name) => {
    const agent = identities.certificates.get(name);
    return agent ? [{ agent, untilMs: certificate.expiresAtMs }] : [];
  });
};

/** Believed from its ranges alone. From elsewhere it is a header like any other. */
const byHeader: Step = ({ headers, peer }, identities) =>
  headers.flatMap(({ name, value }) => {
    const known = identities.headers.get(name)?.get(value);
    return known && isWithin(known.ranges, peer.source)
      ? [{ agent: known.agent, untilMs: Number.POSITIVE_INFINITY }]
      : [];
  });

const bySource: Step = ({ peer: { source } }, identities) => {
  const agent = source === undefined || identities.sources.isEmpty ? undefined : identities.sources.find(source);
  return agent ? [{ agent, untilMs: Number.POSITIVE_INFINITY }] : [];
};

function invalid(message: string, identities: IdentityIndex): Refusal {
  return { ...refusal('PROXY_AUTH_INVALID', message), acceptsBearer: !identities.jwts.isEmpty };
}

/** Basic credentials (RFC 7617): the token is the password, or the user name where there is no password. */
function readToken(base64: string, pepper: Buffer): Presented['token'] {
  const text = Buffer.from(base64, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  const token = password === '' ? user : password;
  return { hash: tokenHash(pepper, token).toString('hex'), user: password === '' ? '' : user };
}
