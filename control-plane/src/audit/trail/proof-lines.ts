import { interruptedReason } from '@onecli/shared/domain/audit-entry';
import { writeNoteKey } from '@onecli/shared/domain/audit-trail/checkpoint-note';
import { toHex } from '@onecli/shared/domain/audit-trail/bytes';
import type { Frontier } from '@onecli/shared/domain/audit-trail/merkle-tree';
import { ownWorker } from '@onecli/shared/domain/audit-trail/own-entry';
import type { EntryLine, HeadLine, TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import type { ChainLink } from '@onecli/shared/vault/audit-chain';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { AdminTally } from './admin-tally.ts';
import { openLinks } from './block.ts';
import { readBlocks, type StoredBlock } from './block-store.ts';
import type { CheckpointKey } from './checkpoint-key.ts';
import { checkpointsAfter, lastCheckpoint, type StoredCheckpoint } from './checkpoint-store.ts';
import { type ListRow, readListRows, rowKeyOf } from './list-rows.ts';
import { NodeReader } from './node-reader.ts';
import { recordFaults } from './record-faults.ts';
import { hashesOf, readTree, type Tree } from './tree-row.ts';

const checkpointsAtOnce = 100;
/** Entries that are older than this and not signed are told, so that they are found; younger ones are left for the next time. */
const unsignedSeconds = 10;

export interface ProofSources {
  readonly manager: EntityManager;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly checkpointKey: CheckpointKey;
  readonly adminEventDays: number;
  /** Why the tree could not be signed, if somebody altered it. */
  readonly altered?: string | undefined;
}

/** Which part: entries that were taken in a time. It begins and ends where blocks and checkpoints do, so that it can be proven. */
export interface ProofRange {
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/**
 * The trail with all that is needed to verify it, as lines, in constant memory. What is altered comes as it is: to find it is the
 * verifier's part.
 */
export async function* proofLines(sources: ProofSources, range: ProofRange = {}): AsyncGenerator<TrailLine> {
  const { manager } = sources;
  const tree = await readTree(manager);
  const last = await lastCheckpoint(manager);
  const start = await startOf(manager, tree, range.sinceMs);
  const end = await endOf(sources, tree, last, range.untilMs);
  const head = headOf(sources, tree, start);
  yield head;
  const isWhole = range.sinceMs === undefined && range.untilMs === undefined;
  const tally = isWhole ? new AdminTally(manager, Math.max(head.adminRowsFromMs, head.rowsFromMs)) : undefined;
  let at = start.size;
  const checkpoints = new CheckpointQueue(manager, at, last?.size ?? 0);
  for await (const block of readBlocks(manager, at, Math.max(end, at))) {
    for await (const line of linesOfBlock(sources, tree, block)) {
      if (line.type === 'entry' && line.worker === ownWorker && line.row) tally?.entry(line.row);
      yield line;
    }
    at = block.firstIndex + block.count;
    yield* checkpoints.upTo(at);
  }
  // What is signed and not there shows by its checkpoint.
  if (range.untilMs === undefined) yield* checkpoints.upTo(Number.MAX_SAFE_INTEGER);
  const found = [sources.altered, await tally?.finish(), ...checkpoints.faults];
  if (isWhole) found.push(...(await recordFaults(sources, tree)));
  const faults = found.filter((fault) => fault !== undefined);
  yield { type: 'end', size: Math.max(end, at), faults };
}

function headOf({ checkpointKey, adminEventDays }: ProofSources, tree: Tree, start: Frontier): HeadLine {
  return {
    type: 'trail',
    format: 1,
    key: writeNoteKey(checkpointKey.of(tree.id)),
    start: { size: start.size, nodes: start.nodes.map(toHex) },
    isPart: start.size !== tree.pruned.size,
    hasRows: true,
    rowsFromMs: tree.rowsFrom?.getTime() ?? 0,
    // A day more: what is about to go is not missed.
    adminRowsFromMs: Date.now() - (adminEventDays - 1) * 86_400_000,
  };
}

async function startOf(manager: EntityManager, tree: Tree, sinceMs: number | undefined): Promise<Frontier> {
  if (sinceMs === undefined) return tree.pruned;
  const [row] = await manager.query<{ index: number | null }[]>(
    'SELECT min(first_index)::float8 AS index FROM audit_block WHERE taken_at >= $1',
    [new Date(sinceMs)],
  );
  const index = row?.index ?? tree.frontier.size;
  return index <= tree.pruned.size ? tree.pruned : new NodeReader(manager).frontierAt(index);
}

async function endOf(
  { manager, altered }: ProofSources,
  tree: Tree,
  last: StoredCheckpoint | undefined,
  untilMs: number | undefined,
): Promise<number> {
  if (untilMs === undefined) return signedEnd(manager, tree, last?.size ?? tree.pruned.size, altered !== undefined);
  const [row] = await manager.query<{ size: number | null }[]>(
    `SELECT min(size)::float8 AS size FROM audit_checkpoint WHERE size >=
       (SELECT coalesce(max(first_index + entry_count), 0) FROM audit_block WHERE taken_at < $1)`,
    [new Date(untilMs)],
  );
  return row?.size ?? last?.size ?? 0;
}

/** Neither the size of the tree nor the times of blocks are signed: what lies beyond is told, unless it is of this moment. */
async function signedEnd(manager: EntityManager, tree: Tree, signed: number, isAltered: boolean): Promise<number> {
  const [row] = await manager.query<{ size: number; is_now: boolean | null }[]>(
    `SELECT coalesce(max(first_index + entry_count), 0)::float8 AS size,
       bool_and(abs(extract(epoch FROM clock_timestamp() - taken_at)) < ${unsignedSeconds}) AS is_now
     FROM audit_block WHERE first_index >= $1`,
    [signed],
  );
  // Without a block there is nothing to wait for.
  if (row?.is_now === true && !isAltered) return signed;
  return Math.max(signed, tree.frontier.size, row?.size ?? 0);
}

async function* linesOfBlock(sources: ProofSources, { id }: Tree, block: StoredBlock): AsyncGenerator<TrailLine> {
  const { manager, keyring } = sources;
  const { firstIndex, worker, boot, firstSequence: sequence } = block;
  const leaves = hashesOf(block.leafHashes).map(toHex);
  let links: readonly ChainLink[];
  try {
    links = await openLinks(keyring, id, firstIndex, block.sealedLines);
    if (!fits(block, leaves, links)) throw new Error('a block says something else than its entries');
  } catch {
    const reason = 'the block was altered, or is another one’s';
    yield { type: 'damage', index: firstIndex, worker, boot, sequence, leaves, reason };
    return;
  }
  const keys = links.flatMap(({ lines }) => lines.map((line) => rowKeyOf(worker, boot, line)));
  const rows = await readListRows(
    manager,
    keyring,
    keys.filter((key) => key !== undefined),
  );
  let at = 0;
  for (const { lines, mac } of links)
    for (const [place, line] of lines.entries()) {
      const key = keys[at];
      const row = key && rowOf(rows.get(key.id), key.isIntent);
      const previousMac = at === 0 ? toHex(block.previousMac) : undefined;
      const leaf = leaves[at] ?? '';
      const ends = place === lines.length - 1 ? mac : undefined;
      yield entryLine({ index: firstIndex + at, worker, boot, line, leaf, mac: ends, previousMac, row });
      at += 1;
    }
}

/** Whether what stands in the clear about a block is so. */
function fits({ count, firstSequence }: StoredBlock, leaves: readonly string[], links: readonly ChainLink[]): boolean {
  const lines = links.flatMap((link) => link.lines);
  return lines.length === count && leaves.length === count && lines[0]?.startsWith(`[${firstSequence},`) === true;
}

function entryLine(fields: Omit<EntryLine, 'type'>): EntryLine {
  return { type: 'entry', ...fields };
}

/** The row of a request is told where that ends: with the intent only if its outcome will never be known. */
function rowOf(row: ListRow | undefined, isIntent: boolean): ListRow | null | undefined {
  if (isIntent) return row?.['reason'] === interruptedReason ? row : undefined;
  return row ?? null;
}

/** The checkpoints after a size, in their order. */
class CheckpointQueue {
  readonly #manager: EntityManager;
  readonly #last: number;
  #after: number;
  #waiting: StoredCheckpoint[] = [];
  /** What no line shows. */
  readonly faults: string[] = [];

  /** @param last checkpoints of larger trees came meanwhile, and are not asked for */
  constructor(manager: EntityManager, after: number, last: number) {
    this.#manager = manager;
    this.#after = after;
    this.#last = last;
  }

  async *upTo(size: number): AsyncGenerator<TrailLine> {
    for (;;) {
      if (this.#waiting.length === 0 && this.#after < Math.min(size, this.#last)) await this.#fill();
      const [next] = this.#waiting;
      if (next === undefined || next.size > Math.min(size, this.#last)) return;
      this.#waiting.shift();
      this.#after = next.size;
      if (!next.isAsSigned && this.faults.length === 0)
        this.faults.push(`what is stored beside the checkpoint of ${next.size} is not what was signed`);
      yield { type: 'checkpoint', note: next.note };
    }
  }

  async #fill(): Promise<void> {
    this.#waiting = await checkpointsAfter(this.#manager, this.#after, checkpointsAtOnce);
  }
}
