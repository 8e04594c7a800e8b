import { sameBytes } from '@onecli/shared/domain/audit-trail/bytes';
import { readCheckpoint } from '@onecli/shared/domain/audit-trail/checkpoint-note';
import type { Frontier } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { CheckpointKey } from './checkpoint-key.ts';
import { verifyEd25519 } from './node-hashes.ts';
import type { NodeReader } from './node-reader.ts';
import { TreeAltered } from './tree-altered.ts';
import type { Tree } from './tree-row.ts';

/**
 * The tree of a checkpoint as it is stored, held against the note's signature: what the columns beside the note say is not looked at.
 * @throws TreeAltered when the note is not ours or the stored tree is another
 */
export async function signedTree(reader: NodeReader, tree: Tree, key: CheckpointKey, note: string): Promise<Frontier> {
  const read = readCheckpoint(note, key.of(tree.id), verifyEd25519);
  if (read.kind === 'bad') throw new TreeAltered(`The last checkpoint of the audit trail is not good: ${read.reason}`);
  const { size, root } = read.checkpoint;
  if (size > tree.frontier.size) throw new TreeAltered('The audit trail is shorter than what was signed of it');
  const frontier = await reader.frontierAt(size);
  if (!sameBytes(frontier.root(), root))
    throw new TreeAltered('The tree of the audit trail is not the one that was signed');
  return frontier;
}
