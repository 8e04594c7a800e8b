import { isUtf8 } from 'node:buffer';

const empty = Buffer.alloc(0);

/** Tells whether a text is UTF-8, over any borders that it is cut at (RFC 6455 8.1). Memory: three bytes. */
export class Utf8Check {
  #carried: Buffer = empty;

  /** False as soon as the text cannot be UTF-8 any more. */
  push(bytes: Buffer, isEnd: boolean): boolean {
    const text = this.#carried.length === 0 ? bytes : Buffer.concat([this.#carried, bytes]);
    const whole = isEnd ? text.length : wholeLength(text);
    this.#carried = whole === text.length ? empty : Buffer.from(text.subarray(whole));
    return isUtf8(whole === text.length ? text : text.subarray(0, whole)) && canBegin(this.#carried);
  }
}

/** Up to where the last character that has begun is whole. */
function wholeLength(text: Buffer): number {
  for (let back = 1; back <= 3 && back <= text.length; back++) {
    const octet = text[text.length - back] as number;
    if (octet < 0x80) return text.length;
    if (octet < 0xc0) continue;
    const needs = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2;
    return needs > back ? text.length - back : text.length;
  }
  return text.length;
}

/** Whether bytes can be the beginning of one character: some completion of them is UTF-8. */
function canBegin(part: Buffer): boolean {
  const [lead = 0, second] = part;
  if (part.length === 0) return true;
  if (lead < 0xc2 || lead > 0xf4) return false;
  if (second === undefined) return true;
  // RFC 3629 4: no overlong forms, no surrogates, nothing above U+10FFFF.
  const from = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const to = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= from && second <= to;
}
