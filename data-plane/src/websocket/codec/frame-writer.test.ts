import { describe, expect, it } from 'vitest';
import { FrameParser } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';

const whole = { message: 'text', isCompressed: false, isMessageStart: true, isFinal: true } as const;

function written(pieces: Buffer[]): Buffer {
  return Buffer.concat(pieces);
}

describe('FrameWriter', () => {
  it('a server writes the unmasked example of RFC 6455 5.7', () => {
    const bytes = written(new FrameWriter(false).frame(whole, Buffer.from('Hello')));
    expect(bytes).toEqual(Buffer.from([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]));
  });

  it.each([0, 1, 125, 126, 65535, 65536])('a client masks %s bytes, in the shortest form of their length', (length) => {
    const payload = Buffer.alloc(length, 'a');
    const bytes = written(new FrameWriter(true).frame(whole, Buffer.from(payload)));
    expect(bytes.length - length).toBe(length < 126 ? 6 : length < 65536 ? 8 : 14);
    const parser = new FrameParser({ isFromClient: true, allowsCompression: false, heldFrameBytes: 1e6 });
    expect(parser.read(bytes)).toMatchObject([{ kind: 'data', bytes: payload, isFrameEnd: true, isFinal: true }]);
  });

  it('no two frames have the same key', () => {
    const writer = new FrameWriter(true);
    const keys = Array.from({ length: 2000 }, () => written(writer.control(9, Buffer.alloc(0))).toString('hex', 2, 6));
    expect(new Set(keys).size).toBeGreaterThan(1990);
  });

  it('a frame in parts is masked as one, and is not interrupted', () => {
    const part = { ...whole, kind: 'data', frameBytes: 7, isFrameStart: true, isFrameEnd: false } as const;
    const writer = new FrameWriter(true);
    const first = written(writer.part({ ...part, bytes: Buffer.from('abc') }));
    expect(writer.isMidFrame).toBe(true);
    const last = written(writer.part({ ...part, isFrameStart: false, isFrameEnd: true, bytes: Buffer.from('defg') }));
    expect(writer.isMidFrame).toBe(false);
    const parser = new FrameParser({ isFromClient: true, allowsCompression: false, heldFrameBytes: 100 });
    expect(parser.read(Buffer.concat([first, last]))).toMatchObject([{ bytes: Buffer.from('abcdefg') }]);
  });
});
