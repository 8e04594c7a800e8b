/** What the records of a snapshot file hold, and the configuration that they come to. */
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import type {
  ConfigChanges,
  Instance,
  SealedAgent,
  SealedPolicy,
  SealedRoute,
} from '@onecli/shared/ports/snapshot-source';
import { SnapshotFileFault } from './snapshot-file.ts';

/** What is not rows: of a whole it comes first. */
export type KeptHead = Omit<ConfigChanges, 'isWhole' | 'secrets' | 'agents' | 'policies' | 'routes' | 'removedIds'>;

export type KeptRecord =
  | { readonly kind: 'whole'; readonly instance: Instance; readonly head: KeptHead; readonly confirmedAtMs: number }
  | { readonly kind: 'rows'; readonly rows: Partial<KeptRows> }
  /** The whole is complete. What comes after it are changes. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'change'; readonly changes: ConfigChanges; readonly confirmedAtMs: number }
  /** The store was asked and had nothing newer. */
  | { readonly kind: 'confirmed'; readonly confirmedAtMs: number };

export interface KeptRows {
  readonly secrets: readonly SecretRecord[];
  readonly agents: readonly SealedAgent[];
  readonly policies: readonly SealedPolicy[];
  readonly routes: readonly SealedRoute[];
}

/** A configuration that was kept, as the store would have given it. */
export interface KeptConfiguration {
  readonly instance: Instance;
  readonly changes: ConfigChanges;
  /** When the store last said that it is the newest, by the wall clock. */
  readonly confirmedAtMs: number;
}

/** @throws SnapshotFileFault when the whole is not complete */
export function joinRecords(records: readonly unknown[]): KeptConfiguration {
  const [first, ...others] = records as readonly KeptRecord[];
  const completeAt = others.findIndex(({ kind }) => kind === 'complete');
  if (first?.kind !== 'whole' || completeAt < 0) throw new SnapshotFileFault('it was cut off');
  const rows = new Rows();
  let head = first.head;
  let { instance, confirmedAtMs } = first;
  for (const record of others) {
    switch (record.kind) {
      case 'rows':
        rows.put(record.rows);
        break;
      case 'change': {
        const { changes } = record;
        rows.remove(changes.removedIds);
        rows.put(changes);
        head = headAfter(head, changes);
        instance = { ...instance, keys: changes.keys };
        confirmedAtMs = record.confirmedAtMs;
        break;
      }
      case 'confirmed':
        confirmedAtMs = record.confirmedAtMs;
        break;
      case 'complete':
        break;
      case 'whole':
        throw new SnapshotFileFault('it begins twice');
    }
  }
  return { instance, confirmedAtMs, changes: { ...head, isWhole: true, ...rows.all(), removedIds: [] } };
}

/** What is not rows, after a change that is no whole. */
export function headAfter(before: KeptHead, changes: KeptHead): KeptHead {
  return {
    revision: changes.revision,
    epoch: changes.epoch,
    keys: changes.keys,
    authority: changes.authority ?? before.authority,
    otherAuthorities: changes.otherAuthorities ?? before.otherAuthorities,
    clientAuthorities: changes.clientAuthorities ?? before.clientAuthorities,
  };
}

class Rows {
  readonly #secrets = new Map<string, SecretRecord>();
  readonly #agents = new Map<string, SealedAgent>();
  readonly #policies = new Map<string, SealedPolicy>();
  readonly #routes = new Map<string, SealedRoute>();

  put({ secrets = [], agents = [], policies = [], routes = [] }: Partial<KeptRows>): void {
    for (const row of secrets) this.#secrets.set(row.id, row);
    for (const row of agents) this.#agents.set(row.id, row);
    for (const row of policies) this.#policies.set(row.id, row);
    for (const row of routes) this.#routes.set(row.id, row);
  }

  remove(ids: readonly string[]): void {
    for (const rows of [this.#secrets, this.#agents, this.#policies, this.#routes])
      for (const id of ids) rows.delete(id);
  }

  all(): KeptRows {
    return {
      secrets: [...this.#secrets.values()],
      agents: [...this.#agents.values()],
      policies: [...this.#policies.values()],
      routes: [...this.#routes.values()],
    };
  }
}
