/** How an agent is recognised. Each kind is off until an agent has it. */
export type AgentIdentity = TokenIdentity | MtlsIdentity | JwtIdentity | HeaderIdentity | SourceIdentity;

/** The agent's proxy token. Its hash is kept beside; these are the conditions under which it is good. */
export interface TokenIdentity {
  readonly kind: 'token';
  /** Milliseconds since the epoch; undefined when it does not expire. */
  readonly expiresAtMs?: number | undefined;
  /** Source ranges that it is good from; none means every source. */
  readonly cidrs: readonly string[];
}

/** Which name of a client certificate is compared (RFC 5280: subject common name, or one of the subject alternative names). */
export const certificateNames = ['commonName', 'dnsName', 'uri'] as const;
export type CertificateName = (typeof certificateNames)[number];

/** A client certificate by a trusted authority that has this name. */
export interface MtlsIdentity {
  readonly kind: 'mtls';
  readonly by: CertificateName;
  readonly name: string;
}

/** A JWT (RFC 7519) of this issuer, for this audience, with each of these claims. */
export interface JwtIdentity {
  readonly kind: 'jwt';
  readonly issuer: string;
  readonly audience: string;
  /** Each must be the claim's value, or one of them where the claim is a list. */
  readonly claims: Readonly<Record<string, string>>;
  /** Where the issuer's keys are; undefined: its OpenID configuration says. */
  readonly jwksUri?: string | undefined;
}

/** A header with this value, from a proxy in one of these source ranges that is trusted to set it. */
export interface HeaderIdentity {
  readonly kind: 'header';
  /** In lower case. */
  readonly name: string;
  readonly value: string;
  readonly cidrs: readonly string[];
}

/** Every connection from these source ranges; the narrowest range around an address counts. */
export interface SourceIdentity {
  readonly kind: 'source';
  readonly cidrs: readonly string[];
}

/**
 * What no two agents may share, as text: the same text means the same identity. A token has none, for it is random; a
 * source has one for each of its ranges.
 */
export function identityKeys(identity: AgentIdentity): string[] {
  switch (identity.kind) {
    case 'token':
      return [];
    case 'mtls':
      return [JSON.stringify(['mtls', identity.by, identity.name])];
    case 'jwt': {
      const claims = Object.entries(identity.claims).sort(([one], [other]) => (one < other ? -1 : 1));
      return [JSON.stringify(['jwt', identity.issuer, identity.audience, claims])];
    }
    case 'header':
      return [JSON.stringify(['header', identity.name, identity.value])];
    case 'source':
      return identity.cidrs.map((cidr) => JSON.stringify(['source', cidr]));
  }
}
