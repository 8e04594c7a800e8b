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
import { createHmac } from 'node:crypto';
import { hmacBlockBytes, OneShotHmac } from './one-shot-hmac.ts';

/** A line that is no entry but the MAC of those before it. */
const macMark = '#';
const macForm = /^[0-9a-f]{64}$/;
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

const macBytes = 32;

/** The same MACs for whoever makes many of them. */
export class LinkMacs {
  readonly #hmac: OneShotHmac;

  /** @param key of at most 64 bytes */
  constructor(key: Buffer) {
    this.#hmac = new OneShotHmac(key);
  }

  /** The MAC of a link, in hex. @param previous MAC of the link before, in hex @param lines in ASCII, each with its line feed */
  next(previous: string, lines: string): string {
    const length = macBytes + lines.length;
    const room = this.#hmac.room(length);
    room.write(previous, hmacBlockBytes, macBytes, 'hex');
    room.write(lines, hmacBlockBytes + macBytes, 'latin1');
    return this.#hmac.hex(length);
  }
}

/** A link's text. */
export function writeLink({ lines, mac }: ChainLink): string {
  return `${[...lines, macMark].join('\n')}${mac}\n`;
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
  const macs = new LinkMacs(key);
  let before = previous;
  for (const [index, { lines, mac }] of links.entries()) {
    const text = `${lines.join('\n')}\n`;
    // What the first follows on is whatever somebody says.
    const found = macForm.test(before) ? macs.next(before, text) : linkMac(key, before, text);
    if (found !== mac) return index;
    before = mac;
  }
  return links.length;
}
