import type { Sha256 } from './merkle-tree.ts';

/** An entry in its place: what the tree has as one leaf. */
export interface LeafSource {
  readonly worker: string;
  readonly boot: string;
  /** The entry's line, without its newline. */
  readonly line: string;
  /** Of the link that ends with this entry; hexadecimal. */
  readonly mac?: string | undefined;
}

/** The hash of an entry's leaf: of whose it is, its line, and, where it ends a link, the link's MAC, each with a newline. */
export function entryLeaf(sha256: Sha256, source: LeafSource): Uint8Array {
  return sha256(leafText(source));
}

/** What is hashed. The mark of a leaf is a zero byte, which is so in UTF-8 too: one text, hashed as it is. */
export function leafText({ worker, boot, line, mac }: LeafSource): string {
  return mac === undefined ? `\0${worker}/${boot}\n${line}\n` : `\0${worker}/${boot}\n${line}\n#${mac}\n`;
}
