import { describe, expect, it } from 'vitest';
import { Utf8Check } from './utf8-check.ts';

function checkBytewise(bytes: number[]): boolean {
  const check = new Utf8Check();
  return bytes.every((octet) => check.push(Buffer.from([octet]), false)) && check.push(Buffer.alloc(0), true);
}

describe('Utf8Check', () => {
  it.each([
    ['ASCII', [0x41]],
    ['two bytes', [0xc3, 0xa4]],
    ['three bytes', [0xe2, 0x82, 0xac]],
    ['four bytes', [0xf0, 0x9f, 0x98, 0x80]],
    ['the highest character', [0xf4, 0x8f, 0xbf, 0xbf]],
  ])('%s is UTF-8, cut anywhere', (_what, bytes) => expect(checkBytewise(bytes)).toBe(true));

  it.each([
    ['an overlong form', [0xc0, 0x80]],
    ['an overlong form of three bytes', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['more than U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a lone continuation', [0x80]],
    ['a character cut off by the end', [0xe2, 0x82]],
    ['a character cut off by another', [0xe2, 0x41]],
    ['0xff', [0xff]],
  ])('%s is not', (_what, bytes) => expect(checkBytewise(bytes)).toBe(false));

  it('what cannot become UTF-8 is told before the character is whole', () => {
    expect(new Utf8Check().push(Buffer.from([0xed, 0xa0]), false)).toBe(false);
    expect(new Utf8Check().push(Buffer.from([0xf5]), false)).toBe(false);
  });
});
