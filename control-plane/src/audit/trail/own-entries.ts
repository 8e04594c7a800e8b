import { chainStart, linkMac } from '@onecli/shared/vault/audit-chain';
import { ownWorker, type OwnEntry, writeOwnEntry } from '@onecli/shared/domain/audit-trail/own-entry';
import type { OwnChain } from './append-runs.ts';
import type { Run } from './block.ts';
import type { Tree } from './tree-row.ts';

/** What the control plane itself puts into the trail, as one link of its own chain, and the state of that afterwards. */
export function ownRun(macKey: Buffer, tree: Tree, facts: readonly OwnEntry[]): { run: Run; own: OwnChain } {
  const boot = tree.id;
  const previousMac = tree.ownMac?.toString('hex') ?? chainStart(macKey, ownWorker, boot);
  const lines = facts.map((fact, at) => writeOwnEntry(tree.ownSequence + at, tree.takenAt.getTime(), fact));
  const mac = linkMac(macKey, previousMac, lines.map((line) => `${line}\n`).join(''));
  return {
    run: { worker: ownWorker, boot, firstSequence: tree.ownSequence, previousMac, links: [{ lines, mac }] },
    own: { sequence: tree.ownSequence + lines.length, mac },
  };
}
