import { describe, expect, it } from 'vitest';
import { HeldBuffer } from './held-buffer.ts';
import { HeldBytes } from './held-bytes.ts';

describe('HeldBuffer', () => {
  it('gives what came in, in whatever pieces, and counts it until it is let go', () => {
    const heldIn = new HeldBytes(10_000);
    const held = new HeldBuffer(heldIn);
    const text = Array.from({ length: 5000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    for (let at = 0; at < text.length; at += 1 + (at % 7)) held.push(Buffer.from(text.slice(at, at + 1 + (at % 7))));
    expect([held.whole.toString(), held.bytes, heldIn.bytes]).toEqual([text, 5000, 5000]);
    held.letGo();
    held.letGo();
    expect([held.whole.length, held.bytes, heldIn.bytes]).toEqual([0, 0, 0]);
  });

  it('does not copy what comes in one piece, and never writes into it', () => {
    const held = new HeldBuffer(new HeldBytes(100));
    const piece = Buffer.from('one piece and more').subarray(0, 9);
    held.push(piece);
    expect(held.whole.buffer).toBe(piece.buffer);
    held.push(Buffer.from('XYZ'));
    expect([held.whole.toString(), Buffer.from(piece.buffer, piece.byteOffset, 18).toString()]).toEqual([
      'one pieceXYZ',
      'one piece and more',
    ]);
  });

  it('takes nothing that there is no room for beside what others hold', () => {
    const heldIn = new HeldBytes(10);
    const others = new HeldBuffer(heldIn);
    const held = new HeldBuffer(heldIn);
    others.push(Buffer.alloc(6));
    expect([held.push(Buffer.from('abcd')), held.push(Buffer.from('e')), held.whole.toString()]).toEqual([
      true,
      false,
      'abcd',
    ]);
  });

  it('holds a megabyte that comes byte by byte in one piece of at most twice its length and a little', () => {
    const held = new HeldBuffer(new HeldBytes(2 ** 21));
    for (let index = 0; index < 2 ** 20; index++) held.push(Buffer.from([index & 0xff]));
    expect(held.whole.buffer.byteLength).toBeLessThanOrEqual(2 ** 21 + 1024);
    expect(held.whole.every((octet, index) => octet === (index & 0xff))).toBe(true);
  });
});
