import { leafText } from '@onecli/shared/domain/audit-trail/leaf';
import { hashBytes } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { partsOf, type Run, sealLinks } from './block.ts';
import type { Stretch } from './grown-stretches.ts';
import { hashInto } from './node-hashes.ts';
import type { Tree } from './tree-row.ts';

/** Of the levels of the tree, every so manieth is kept: what lies between is computed from 256 nodes. */
export const keptLevels = 8;

interface Block extends Stretch {
  readonly run: Run;
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

/** Appends runs to a tree that is locked, in their order, and stores it as it is then. @returns what was appended, block by block */
export async function appendRuns(
  manager: EntityManager,
  keyring: Keyring,
  tree: Tree,
  runs: readonly Run[],
  own?: OwnChain,
): Promise<readonly Stretch[]> {
  const nodes: Node[] = [];
  const blocks = runs.flatMap(partsOf).map((run) => appendBlock(keyring, tree, run, nodes));
  await store(manager, tree, { blocks, nodes, own });
  return blocks;
}

function appendBlock(keyring: Keyring, { id, frontier }: Tree, run: Run, nodes: Node[]): Block {
  const firstIndex = frontier.size;
  const before = [...frontier.nodes];
  const leaves = leavesOf(run);
  const isFull = (level: number, place: number, hash: Uint8Array): void => {
    if (level % keptLevels === 0) nodes.push({ level, place, hash });
  };
  for (let at = 0; at < leaves.length; at += hashBytes) frontier.append(leaves.subarray(at, at + hashBytes), isFull);
  const { size } = frontier;
  const sealed = sealLinks(keyring, id, firstIndex, run.links);
  return { run, firstIndex, before, leaves, after: [...frontier.nodes], size, sealed };
}

/** The hashes of a run's leaves, one after the other. */
function leavesOf({ worker, boot, links }: Run): Buffer {
  const count = links.reduce((sum, { lines }) => sum + lines.length, 0);
  const leaves = Buffer.alloc(count * hashBytes);
  let at = 0;
  for (const { lines, mac } of links)
    for (const [index, line] of lines.entries()) {
      hashInto(leaves, at, leafText({ worker, boot, line, mac: index === lines.length - 1 ? mac : undefined }));
      at += hashBytes;
    }
  return leaves;
}

interface Appended {
  readonly blocks: readonly Block[];
  readonly nodes: readonly Node[];
  readonly own: OwnChain | undefined;
}

/** In one statement, since each is a round trip while others wait for the tree. */
async function store(
  manager: EntityManager,
  { takenAt, frontier }: Tree,
  { blocks, nodes, own }: Appended,
): Promise<void> {
  await manager.query(
    `WITH blocks AS (
       INSERT INTO audit_block
         (taken_at, first_index, entry_count, worker, boot, first_sequence, previous_mac, leaf_hashes, sealed_lines)
       SELECT $1::timestamptz, * FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[])),
     nodes AS (
       INSERT INTO audit_node (level, place, hash) SELECT * FROM unnest($10::smallint[], $11::bigint[], $12::bytea[]))
     UPDATE audit_tree SET size = $13, nodes = $14, taken_at = $1,
       own_sequence = coalesce($15, own_sequence), own_mac = coalesce($16, own_mac)`,
    [
      takenAt,
      blocks.map(({ firstIndex }) => firstIndex),
      blocks.map(({ leaves }) => leaves.length / hashBytes),
      blocks.map(({ run }) => run.worker),
      blocks.map(({ run }) => run.boot),
      blocks.map(({ run }) => run.firstSequence),
      blocks.map(({ run }) => Buffer.from(run.previousMac, 'hex')),
      blocks.map(({ leaves }) => leaves),
      blocks.map(({ sealed }) => sealed),
      nodes.map(({ level }) => level),
      nodes.map(({ place }) => place),
      nodes.map(({ hash }) => Buffer.from(hash)),
      frontier.size,
      Buffer.concat(frontier.nodes),
      own?.sequence,
      own && Buffer.from(own.mac, 'hex'),
    ],
  );
}
