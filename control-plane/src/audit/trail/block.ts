import { promisify } from 'node:util';
import { deflateRawSync, inflateRaw } from 'node:zlib';
import { auditBlockContext } from '@onecli/shared/seal-contexts';
import { type ChainLink, readLinks, writeLink } from '@onecli/shared/vault/audit-chain';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';

const inflate = promisify(inflateRaw);
/** What a block may be when it is inflated; one that says more was not made here. */
const maxBlockBytes = 256 * 1024 * 1024;
/** A block that was altered closes all of its entries: so it is no larger than deflating gains by. */
const blockEntries = 512;

/** Whole links of one boot that follow on one another. */
export interface Run {
  readonly worker: string;
  readonly boot: string;
  readonly firstSequence: number;
  /** MAC of the link before, in hexadecimal. */
  readonly previousMac: string;
  readonly links: readonly ChainLink[];
}

/** A run in parts of about 512 entries, cut between links. */
export function partsOf({ worker, boot, firstSequence, previousMac, links }: Run): Run[] {
  const parts: Run[] = [];
  let part: ChainLink[] = [];
  let [count, sequence, before] = [0, firstSequence, previousMac];
  for (const link of links) {
    part.push(link);
    count += link.lines.length;
    if (count < blockEntries) continue;
    parts.push({ worker, boot, firstSequence: sequence, previousMac: before, links: part });
    [sequence, before, count, part] = [sequence + count, link.mac, 0, []];
  }
  if (count > 0) parts.push({ worker, boot, firstSequence: sequence, previousMac: before, links: part });
  return parts;
}

export function sealLinks(keyring: Keyring, treeId: string, firstIndex: number, links: readonly ChainLink[]): Buffer {
  const text = Buffer.from(links.map(writeLink).join(''), 'latin1');
  return seal(keyring, auditBlockContext(treeId, firstIndex), deflateRawSync(text, { level: 1 }));
}

/** @throws VaultFault CANNOT_OPEN for a block that was altered or moved */
export async function openLinks(
  keyring: Keyring,
  treeId: string,
  firstIndex: number,
  sealed: Buffer,
): Promise<readonly ChainLink[]> {
  const deflated = open(keyring, auditBlockContext(treeId, firstIndex), sealed);
  return readLinks((await inflate(deflated, { maxOutputLength: maxBlockBytes })).toString('latin1'));
}
