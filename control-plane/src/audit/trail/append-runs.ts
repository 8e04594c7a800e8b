import { entryLeaf } from '@onecli/shared/domain/audit-trail/leaf';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { partsOf, type Run, sealLinks } from './block.ts';
import { sha256 } from './node-hashes.ts';
import type { Tree } from './tree-row.ts';

/** Of the levels of the tree, every so manieth is kept: what lies between is computed from 256 nodes. */
export const keptLevels = 8;

interface Block {
  readonly run: Run;
  readonly firstIndex: number;
  readonly leaves: readonly Uint8Array[];
  readonly sealed: Buffer;
}

interface Node {
  readonly level: number;
  readonly place: number;
  readonly hash: Uint8Array;
}

/** The state of the control plane's own chain, when it grew. */
export interface OwnChain {
  readonly sequence: number;
  readonly mac: string;
}

/** Appends runs to a tree that is locked, in their order, and stores it as it is then. */
export async function appendRuns(
  manager: EntityManager,
  keyring: Keyring,
  tree: Tree,
  runs: readonly Run[],
  own?: OwnChain,
): Promise<void> {
  const nodes: Node[] = [];
  const blocks = runs.flatMap(partsOf).map((run) => appendBlock(keyring, tree, run, nodes));
  await insertBlocks(manager, tree.takenAt, blocks);
  if (nodes.length > 0)
    await manager.query(
      'INSERT INTO audit_node (level, place, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])',
      [nodes.map(({ level }) => level), nodes.map(({ place }) => place), nodes.map(({ hash }) => Buffer.from(hash))],
    );
  const { size, nodes: frontier } = tree.frontier;
  await manager.query(
    `UPDATE audit_tree SET size = $1, nodes = $2, taken_at = $3,
       own_sequence = coalesce($4, own_sequence), own_mac = coalesce($5, own_mac)`,
    [size, Buffer.concat(frontier), tree.takenAt, own?.sequence, own && Buffer.from(own.mac, 'hex')],
  );
}

function appendBlock(keyring: Keyring, { id, frontier }: Tree, run: Run, nodes: Node[]): Block {
  const firstIndex = frontier.size;
  const leaves = leavesOf(run);
  for (const leaf of leaves)
    frontier.append(leaf, (level, place, hash) => {
      if (level % keptLevels === 0) nodes.push({ level, place, hash });
    });
  return { run, firstIndex, leaves, sealed: sealLinks(keyring, id, firstIndex, run.links) };
}

function leavesOf({ worker, boot, links }: Run): Uint8Array[] {
  return links.flatMap(({ lines, mac }) =>
    lines.map((line, at) => entryLeaf(sha256, { worker, boot, line, mac: at === lines.length - 1 ? mac : undefined })),
  );
}

async function insertBlocks(manager: EntityManager, takenAt: Date, blocks: readonly Block[]): Promise<void> {
  await manager.query(
    `INSERT INTO audit_block
       (taken_at, first_index, entry_count, worker, boot, first_sequence, previous_mac, leaf_hashes, sealed_lines)
     SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[])`,
    [
      takenAt,
      blocks.map(({ firstIndex }) => firstIndex),
      blocks.map(({ leaves }) => leaves.length),
      blocks.map(({ run }) => run.worker),
      blocks.map(({ run }) => run.boot),
      blocks.map(({ run }) => run.firstSequence),
      blocks.map(({ run }) => Buffer.from(run.previousMac, 'hex')),
      blocks.map(({ leaves }) => Buffer.concat(leaves)),
      blocks.map(({ sealed }) => sealed),
    ],
  );
}
