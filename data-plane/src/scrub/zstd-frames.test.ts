import { describe, expect, it } from 'vitest';
import { ZstdFrames } from './zstd-frames.ts';

/** Made by the reference library. */
const frames: Readonly<Record<string, Buffer>> = {
  'a text': Buffer.from('KLUv/SAWhQAAUGhlbGxvIHpzdGQBAOFKEQ==', 'base64'),
  'a text with a checksum': Buffer.from('KLUv/SQgvQAAiHdpdGggYSBjaGVja3N1bSwgAQCpm0vDYG9/', 'base64'),
  'repeated bytes in several blocks': Buffer.from('KLUv/QBIVAAAEAAAAQD7/znAAgIAEAADnwQA', 'base64'),
  'an empty text': Buffer.from('KLUv/SAAAQAA', 'base64'),
  'a frame to be skipped': Buffer.from('5a2a4d1803000000616263', 'hex'),
};

function isWhole(...pieces: readonly Buffer[]): boolean {
  const stream = new ZstdFrames();
  for (const piece of pieces) stream.push(piece);
  return stream.isWhole;
}

describe('ZstdFrames', () => {
  it.each(Object.entries(frames))('tells %s from each of its beginnings', (_what, frame) => {
    expect(isWhole(frame)).toBe(true);
    expect(isWhole(...Array.from(frame, (byte) => Buffer.from([byte])))).toBe(true);
    for (let length = 1; length < frame.length; length++) expect(isWhole(frame.subarray(0, length))).toBe(false);
  });

  it('follows one frame after the other', () => {
    const all = Buffer.concat(Object.values(frames));
    expect(isWhole(all)).toBe(true);
    expect(isWhole(all.subarray(0, -1))).toBe(false);
    expect(isWhole(all.subarray(0, 50), all.subarray(50))).toBe(true);
  });

  it('takes no stream for whole that has other bytes in it or behind it', () => {
    expect(isWhole(Buffer.from('plain text, and more of it'))).toBe(false);
    expect(isWhole(frames['a text'] ?? Buffer.alloc(0), Buffer.from('behind'))).toBe(false);
  });

  it('takes no bytes at all for an empty stream', () => expect(isWhole()).toBe(true));
});
