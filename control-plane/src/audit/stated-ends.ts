/* Of which runs the control plane's own entries say that they are over. */
import { ownWorker, readOwnEntry } from '@onecli/shared/domain/audit-trail/own-entry';
import type { ChainLink } from '@onecli/shared/vault/audit-chain';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import type { Boot } from './open-intents.ts';
import { openLinks } from './trail/block.ts';
import { readBlocks } from './trail/block-store.ts';

/** What is said of some runs. */
export class StatedEnds {
  readonly #runs: ReadonlySet<string>;
  readonly #indexes = new Map<string, number>();
  #unreadable = -1;

  constructor(runs: readonly Boot[]) {
    this.#runs = new Set(runs.map(nameOf));
  }

  /** Takes a block of the control plane's own: which runs it says are over; undefined where it was altered. */
  take(index: number, runs: readonly Boot[] | undefined): void {
    if (runs === undefined) this.#unreadable = index;
    for (const run of runs ?? []) if (this.#runs.has(nameOf(run))) this.#indexes.set(nameOf(run), index);
  }

  /** Whether it is said after an index that a run is over; undefined where a block that was altered may say so. */
  isOver(run: Boot, after: number): boolean | undefined {
    if ((this.#indexes.get(nameOf(run)) ?? -1) > after) return true;
    return this.#unreadable > after ? undefined : false;
  }
}

/** Reads all of the control plane's own blocks from an index on, once for all of the runs. */
export async function statedEnds(
  manager: EntityManager,
  keyring: Keyring,
  runs: readonly Boot[],
  from = 0,
): Promise<StatedEnds> {
  const ends = new StatedEnds(runs);
  const [tree] = await manager.query<{ id: string }[]>('SELECT id FROM audit_tree');
  for await (const block of readBlocks(manager, from, Number.MAX_SAFE_INTEGER, ownWorker))
    ends.take(block.firstIndex, await readBlock(keyring, tree?.id ?? '', block.firstIndex, block.sealedLines, endsOf));
  return ends;
}

/** What a block says; undefined for one that was altered. It asks the database nothing: what fails there is no alteration. */
export async function readBlock<T>(
  keyring: Keyring,
  tree: string,
  first: number,
  sealed: Buffer,
  read: (links: readonly ChainLink[]) => T,
): Promise<T | undefined> {
  try {
    return read(await openLinks(keyring, tree, first, sealed));
  } catch {
    return undefined;
  }
}

function endsOf(links: readonly ChainLink[]): Boot[] {
  const facts = links.flatMap(({ lines }) => lines.map((line) => readOwnEntry(line)?.entry));
  return facts.flatMap((fact) => (fact?.kind === 'END' ? [{ worker: fact.worker, boot: fact.boot }] : []));
}

function nameOf({ worker, boot }: Boot): string {
  return `${worker}/${boot}`;
}
