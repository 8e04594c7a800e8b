import type { OwnEntry } from '@onecli/shared/domain/audit-trail/own-entry';
import { type ChainLink, countWholeLinks } from '@onecli/shared/vault/audit-chain';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { appendRuns } from './append-runs.ts';
import type { Run } from './block.ts';
import type { GrownStretches } from './grown-stretches.ts';
import { ownRun } from './own-entries.ts';
import { lockTree } from './tree-row.ts';

/** Links of one boot, as they were taken from the queue: none of them was there before. */
export interface TakenLinks {
  readonly worker: string;
  readonly boot: string;
  /** Sequence of the first entry, or of the one that would come next. */
  readonly first: number;
  /** What the first link has to follow on, in hexadecimal. */
  readonly previousMac: string;
  readonly links: readonly ChainLink[];
  /** Entries before the first that will never come: their sequences, both included. */
  readonly gap: { readonly from: number; readonly to: number } | undefined;
  /** The boot is over. */
  readonly isEnd: boolean;
  /** What was kept of the boot was altered, or it goes on after its end. */
  readonly isBroken?: boolean;
}

export interface TrailKeeperOptions {
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly log: { error(fields: object, message: string): void };
  /** Told of each fault of a chain. */
  readonly faulty: (kind: 'GAP' | 'BROKEN') => void;
  /** Told what was appended, for whoever signs it. */
  readonly grown?: Pick<GrownStretches, 'remember'>;
}

/** Keeps the entries of workers: checks their chain, and appends them to the tree. */
export class TrailKeeper {
  readonly #options: TrailKeeperOptions;

  constructor(options: TrailKeeperOptions) {
    this.#options = options;
  }

  /**
   * Appends what was taken, within the transaction that writes the rows. It locks the tree until that ends, so it is to be the last
   * step. A chain with a fault is kept as it came, and the fault beside it: nothing is left out.
   */
  async keep(manager: EntityManager, taken: TakenLinks): Promise<void> {
    const { keyring, macKey } = this.#options;
    const facts = this.#factsOf(taken);
    const runs: Run[] = taken.links.length === 0 ? [] : [{ ...taken, firstSequence: taken.first }];
    if (facts.length + runs.length === 0) return;
    const tree = await lockTree(manager);
    const own = facts.length === 0 ? undefined : ownRun(macKey, tree, facts);
    const firstIndex = tree.frontier.size;
    const all = own === undefined ? runs : [...runs, own.run];
    const stretches = await appendRuns(manager, keyring, tree, all, own?.own);
    this.#options.grown?.remember(stretches);
    const faults = facts.filter((fact) => fact.kind === 'GAP' || fact.kind === 'BROKEN');
    if (faults.length > 0) await this.#raise(manager, taken, faults, firstIndex);
  }

  #factsOf({ worker, boot, first, previousMac, links, gap, isEnd, isBroken = false }: TakenLinks): OwnEntry[] {
    const facts: OwnEntry[] = [];
    if (gap !== undefined) facts.push({ kind: 'GAP', worker, boot, from: gap.from, to: gap.to });
    // What precedes the first link after a gap is not known: it is believed, and the gap tells.
    const whole = countWholeLinks(this.#options.macKey, previousMac, links);
    const broken = links[whole];
    if (broken !== undefined) {
      const before = links.slice(0, whole).reduce((sum, { lines }) => sum + lines.length, 0);
      facts.push({ kind: 'BROKEN', worker, boot, from: first + before, to: first + before + broken.lines.length - 1 });
    }
    const count = links.reduce((sum, { lines }) => sum + lines.length, 0);
    if (isBroken && broken === undefined)
      facts.push({ kind: 'BROKEN', worker, boot, from: first, to: first + Math.max(count, 1) - 1 });
    if (isEnd) {
      facts.push({ kind: 'END', worker, boot, from: first + count, to: first + count });
    }
    return facts;
  }

  async #raise(manager: EntityManager, taken: TakenLinks, faults: readonly OwnEntry[], index: number): Promise<void> {
    for (const [at, fault] of faults.entries()) {
      if (fault.kind !== 'GAP' && fault.kind !== 'BROKEN') continue;
      const { worker, boot } = taken;
      await manager.query(
        'INSERT INTO audit_chain_fault (entry_index, kind, worker, boot, sequence) VALUES ($1, $2, $3, $4, $5)',
        [index + at, fault.kind, worker, boot, fault.from],
      );
      this.#options.faulty(fault.kind);
      const { from, to } = fault;
      const message =
        fault.kind === 'GAP'
          ? 'entries of the audit trail are lost: they will never come'
          : 'entries of the audit trail, or what was kept of their run, were altered: a MAC is wrong';
      this.#options.log.error({ worker, boot, from, to, index: index + at }, message);
    }
  }
}
