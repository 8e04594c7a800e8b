import type { Binding } from './binding.ts';
import type { AgentIdentity } from './identity.ts';
import type { Policy } from './policy.ts';
import type { Route } from './route.ts';

/** A sealed value of a secret, opened only when a request needs it. */
export interface SealedVersion {
  readonly id: string;
  readonly version: number;
  readonly sealed: Buffer;
}

/** An alias that was replaced, and when it dies, in milliseconds since the epoch. */
export interface AliasUntil {
  readonly alias: string;
  readonly untilMs: number;
}

export interface SecretRecord {
  readonly id: string;
  readonly name: string;
  /** Another text by which agents may hold it; see placeholder.ts. */
  readonly alias?: string | undefined;
  /** The alias before that one, while it may still be used. */
  readonly previousAlias?: AliasUntil | undefined;
  /** Milliseconds since the epoch from which on it is not used any more; undefined when it does not expire. */
  readonly expiresAtMs?: number | undefined;
  /** For so long it is used after the store last confirmed the configuration; undefined: without end. */
  readonly leaseSeconds?: number | undefined;
  readonly binding: Binding;
  readonly isDisabled: boolean;
  readonly currentVersion: number;
  readonly versions: ReadonlyMap<number, SealedVersion>;
}

export interface AgentRecord {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isDisabled: boolean;
  readonly tokens: readonly AgentToken[];
  readonly identities: readonly AgentIdentity[];
}

export interface AgentToken {
  /** HMAC-SHA256 of the token under the token pepper, hex. */
  readonly hash: string;
  /** Milliseconds since the epoch; undefined when it does not expire. */
  readonly expiresAtMs: number | undefined;
}

/** A certificate authority: of intercepted hosts' leaves, or of agents' client certificates. The key is sealed. */
export interface AuthorityRecord {
  readonly id: string;
  readonly certificatePem: string;
  readonly sealedKey: Buffer;
}

/** All that a worker needs to decide, at one revision. Immutable: a change makes the next one. */
export interface Snapshot {
  readonly revision: number;
  readonly secrets: ReadonlyMap<string, SecretRecord>;
  readonly agents: ReadonlyMap<string, AgentRecord>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly routes: ReadonlyMap<string, Route>;
  /** The one that signs. */
  readonly authority: AuthorityRecord;
  /** Those that agents are to trust beside it: the next one, and those before it that are not retired yet. */
  readonly otherAuthorities: readonly AuthorityRecord[];
  /** Those whose client certificates are good for agents; none until a client certificate was first issued. */
  readonly clientAuthorities: readonly AuthorityRecord[];
}
