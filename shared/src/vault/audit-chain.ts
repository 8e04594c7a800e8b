/*
 * The chain of a worker's audit trail. The entries that it writes at once are a link:
 *
 *   entry line \n … entry line \n # MAC in hex \n
 *
 *   MAC = HMAC-SHA-256(key, MAC of the link before, 32 bytes ‖ the entry lines, each with its line feed)
 *
 * The first link follows on HMAC-SHA-256(key, "onecli/v1/audit-chain/" worker "/" boot), in ASCII. So a line that is changed,
 * left out, put in or swapped, and a link that is, is found by whoever holds the key; that the end was cut off shows in the next
 * link, or in a MAC that is kept elsewhere. The key is the instance's for `audit-mac`.
 */
import { createHmac, hash } from 'node:crypto';

/** A line that is no entry but the MAC of those before it. */
const macMark = '#';
const macLineForm = /^#[0-9a-f]{64}$/;

/** A link as it is passed on: lines of entries, and the MAC in hex. */
export interface ChainLink {
  readonly lines: readonly string[];
  readonly mac: string;
}

/** What the first link of a boot follows on, in hex. */
export function chainStart(key: Buffer, worker: string, boot: string): string {
  return createHmac('sha256', key).update(`onecli/v1/audit-chain/${worker}/${boot}`, 'latin1').digest('hex');
}

/** The MAC of a link, in hex. @param lines each with its line feed @param previous MAC of the link before, in hex */
export function linkMac(key: Buffer, previous: string, lines: string | Buffer): string {
  const mac = createHmac('sha256', key).update(previous, 'hex');
  return (typeof lines === 'string' ? mac.update(lines, 'latin1') : mac.update(lines)).digest('hex');
}

const blockBytes = 64;
const macBytes = 32;
const linesAt = blockBytes + macBytes;

/**
 * The same MACs for whoever makes many of them, one in each turn of its event loop: HMAC (RFC 2104) as two hashes over blocks that are made once, where an
 * `Hmac` object each time costs half as much again.
 */
export class LinkMacs {
  /** Key ⊕ ipad, the MAC before, the lines. */
  #inner: Buffer = Buffer.alloc(16 * 1024);
  /** Key ⊕ opad, the inner hash. */
  readonly #outer: Buffer = Buffer.alloc(linesAt);

  /** @param key of at most 64 bytes */
  constructor(key: Buffer) {
    if (key.length > blockBytes) throw new RangeError('The key of the audit chain is longer than a block of SHA-256');
    this.#inner.fill(0x36, 0, blockBytes);
    this.#outer.fill(0x5c, 0, blockBytes);
    for (const [index, byte] of key.entries()) {
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** The MAC of a link, in hex. @param previous MAC of the link before, in hex @param lines in ASCII, each with its line feed */
  next(previous: string, lines: string): string {
    const end = linesAt + lines.length;
    if (end > this.#inner.length) this.#grow(2 * end);
    this.#inner.write(previous, blockBytes, macBytes, 'hex');
    this.#inner.write(lines, linesAt, 'latin1');
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'hex'), blockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }

  #grow(length: number): void {
    const grown = Buffer.alloc(length);
    this.#inner.copy(grown, 0, 0, blockBytes);
    this.#inner.fill(0);
    this.#inner = grown;
  }
}

/** A link's text. */
export function writeLink({ lines, mac }: ChainLink): string {
  return `${lines.map((line) => `${line}\n`).join('')}${macMark}${mac}\n`;
}

/** Splits a text of whole links. @throws SyntaxError when it is none */
export function readLinks(text: string): readonly ChainLink[] {
  const links: ChainLink[] = [];
  let lines: string[] = [];
  let at = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
    const line = text.slice(at, end);
    at = end + 1;
    if (!line.startsWith(macMark)) {
      lines.push(line);
      continue;
    }
    if (!macLineForm.test(line) || lines.length === 0) throw new SyntaxError('A link of the audit trail is malformed');
    links.push({ lines, mac: line.slice(1) });
    lines = [];
  }
  if (lines.length > 0 || at !== text.length) throw new SyntaxError('The audit trail ends within a link');
  return links;
}

/** How many of the first links follow on one another from `previous`: all of them, in a trail that is whole. */
export function countWholeLinks(key: Buffer, previous: string, links: readonly ChainLink[]): number {
  let before = previous;
  for (const [index, { lines, mac }] of links.entries()) {
    if (linkMac(key, before, lines.map((line) => `${line}\n`).join('')) !== mac) return index;
    before = mac;
  }
  return links.length;
}
