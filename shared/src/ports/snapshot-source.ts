import type { AgentRecord, AuthorityRecord, SecretRecord } from '../domain/snapshot.ts';

/** A policy as it lies in the store: its body is sealed. */
export interface SealedPolicy {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly sealedBody: Buffer;
}

/** A route as it lies in the store: its body is sealed. */
export type SealedRoute = SealedPolicy;

/** An agent as it lies in the store: its identities are sealed. Without them it has none. */
export interface SealedAgent extends Omit<AgentRecord, 'identities'> {
  readonly sealedIdentities: Buffer | undefined;
}

export interface Instance {
  readonly id: string;
  readonly keyCheck: Buffer;
  readonly terms: readonly { readonly term: number; readonly wrappedKey: Buffer }[];
}

/** What changed after a revision. `isWhole`: the rows are all there are, not a difference. */
export interface ConfigChanges {
  readonly revision: number;
  readonly isWhole: boolean;
  readonly secrets: readonly SecretRecord[];
  readonly agents: readonly SealedAgent[];
  readonly policies: readonly SealedPolicy[];
  readonly routes: readonly SealedRoute[];
  /** Undefined when neither authority changed, or there is none. */
  readonly authority: AuthorityRecord | undefined;
  readonly clientAuthority: AuthorityRecord | undefined;
  /** Ids of rows that are gone. */
  readonly removedIds: readonly string[];
}

/** The store of configuration as a worker reads it. Throws while it cannot be reached or has no schema yet. */
export interface SnapshotSource {
  instance(): Promise<Instance>;
  /** The current revision: one cheap query. */
  revision(): Promise<number>;
  /** Everything after `revision`, read in one transaction; `undefined` or too large a gap reads all. */
  changesSince(revision: number | undefined): Promise<ConfigChanges>;
  /** Reports that this worker is alive and what it has applied. */
  heartbeat(report: WorkerReport): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerReport {
  readonly name: string;
  readonly bootId: string;
  readonly version: string;
  readonly appliedRevision: number;
  readonly startedAtMs: number;
}
