import type { AgentRecord, AuthorityRecord, SecretRecord } from '../domain/snapshot.ts';
import type { WrappedInstanceKey } from '../vault/instance-keys.ts';
import type { WrappedTerm } from '../vault/keyring.ts';

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
  /** Of all but the identities: see domain/agent-facts. Without one, where all are to have it, it is not believed. */
  readonly mac: Buffer | undefined;
}

/** The keys that configuration is sealed under, as they are stored. */
export interface StoredKeys {
  /** Grows by one whenever a key term comes, becomes active or goes, and when the master key is replaced. */
  readonly generation: number;
  /** Of the master key that wraps the terms now. */
  readonly keyCheck: Buffer;
  /** Without those that only old audit events still need. */
  readonly terms: readonly WrappedTerm[];
}

export interface Instance {
  readonly id: string;
  readonly keys: StoredKeys;
  /** Keys that outlive the master key, wrapped by it. */
  readonly instanceKeys: readonly WrappedInstanceKey[];
}

/** Which life of the database this is: see vault/epoch.ts. */
export interface StoreEpoch {
  /** Whose database it is; undefined where the store does not tell. */
  readonly instanceId?: string | undefined;
  readonly epoch: number;
  readonly mac: Buffer | undefined;
  /** A backup was put into it, and nobody has confirmed that yet. */
  readonly isRestored: boolean;
}

/** How far the store is. */
export interface StorePosition {
  readonly revision: number;
  readonly keyGeneration: number;
  readonly epoch: StoreEpoch;
}

/** What changed after a revision. `isWhole`: the rows are all there are, not a difference. */
export interface ConfigChanges {
  readonly revision: number;
  readonly epoch: StoreEpoch;
  /** As of the same moment as the rows: with these they open. */
  readonly keys: StoredKeys;
  readonly isWhole: boolean;
  readonly secrets: readonly SecretRecord[];
  readonly agents: readonly SealedAgent[];
  readonly policies: readonly SealedPolicy[];
  readonly routes: readonly SealedRoute[];
  /** Undefined, these three, when no authority changed, or there is none. */
  readonly authority: AuthorityRecord | undefined;
  readonly otherAuthorities: readonly AuthorityRecord[] | undefined;
  readonly clientAuthorities: readonly AuthorityRecord[] | undefined;
  /** Ids of rows that are gone. */
  readonly removedIds: readonly string[];
}

/** The store of configuration as a worker reads it. Throws while it cannot be reached or has no schema yet. */
export interface SnapshotSource {
  instance(): Promise<Instance>;
  /** One cheap query. */
  position(): Promise<StorePosition>;
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
  /** The key terms that it can open. */
  readonly terms: readonly number[];
  /** False when the database has another master key by now than the one it was started with. */
  readonly isMasterKeyCurrent: boolean;
  /** Ids of the authorities that it has opened: the one that signs, others that it hands out, those whose client certificates it trusts. */
  readonly authorities: readonly string[];
  readonly startedAtMs: number;
  readonly load?: WorkerLoad | undefined;
}

/** How much a worker has to do. */
export interface WorkerLoad {
  /** Open connections of agents. */
  readonly connections: number;
  /** On the average since the report before. */
  readonly requestsPerSecond: number;
  /** Of one core, on the average since the report before: 1 is a core that did nothing else. */
  readonly cpuShare: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** What its audit spool holds that is not written yet; undefined where it has none. */
  readonly spoolBytes: number | undefined;
}
