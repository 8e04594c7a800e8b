import { describe, expect, it } from 'vitest';
import { type FrameEvent, FrameParser, type FrameParserOptions } from './frame-parser.ts';

const fromServer: FrameParserOptions = { isFromClient: false, allowsCompression: false, heldFrameBytes: 1024 };
const fromClient: FrameParserOptions = { ...fromServer, isFromClient: true };

function read(bytes: number[] | Buffer, options = fromServer): FrameEvent[] {
  return new FrameParser(options).read(Buffer.from(bytes));
}

/** Messages, control frames and faults of what was read, byte by byte. */
function summary(bytes: number[] | Buffer, options = fromServer): unknown[] {
  const parser = new FrameParser(options);
  const events = [...Buffer.from(bytes)].flatMap((octet) => parser.read(Buffer.from([octet])));
  return events.map((event) => {
    if (event.kind === 'fault') return `fault ${event.closeCode}`;
    if (event.kind === 'control') return [event.opcode, event.payload.toString()];
    return [event.message, event.bytes.toString(), event.isFinal];
  });
}

describe('frames by the examples of RFC 6455 5.7', () => {
  const hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f];

  it('an unmasked text message in one frame', () => {
    expect(summary([0x81, 0x05, ...hello])).toEqual([['text', 'Hello', true]]);
  });

  it('a masked text message in one frame', () => {
    const bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    expect(summary(bytes, fromClient)).toEqual([['text', 'Hello', true]]);
  });

  it('a fragmented text message, with a ping between its frames', () => {
    const bytes = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x05, ...hello, 0x80, 0x02, 0x6c, 0x6f];
    expect(summary(bytes)).toEqual([
      ['text', 'Hel', false],
      [9, 'Hello'],
      ['text', 'lo', true],
    ]);
  });

  it('a masked pong', () => {
    const bytes = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    expect(summary(bytes, fromClient)).toEqual([[10, 'Hello']]);
  });

  it('256 bytes and 64 KB of binary data', () => {
    const short = Buffer.concat([Buffer.from([0x82, 0x7e, 0x01, 0x00]), Buffer.alloc(256)]);
    const long = Buffer.concat([Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]), Buffer.alloc(65536)]);
    expect(read(short)).toMatchObject([{ kind: 'data', message: 'binary', frameBytes: 256, isFrameEnd: true }]);
    expect(read(long)).toMatchObject([{ kind: 'data', message: 'binary', frameBytes: 65536, isFrameEnd: true }]);
  });
});

describe('frames that are refused', () => {
  const cases: [string, number[], FrameParserOptions, number][] = [
    ['RSV1 without compression', [0xc1, 0x00], fromServer, 1002],
    ['RSV2', [0xa1, 0x00], fromServer, 1002],
    ['RSV3', [0x91, 0x00], fromServer, 1002],
    ['RSV1 on a control frame', [0xc9, 0x00], { ...fromServer, allowsCompression: true }, 1002],
    ['RSV1 on a continuation', [0x01, 0x00, 0xc0, 0x00], { ...fromServer, allowsCompression: true }, 1002],
    ['opcode 3', [0x83, 0x00], fromServer, 1002],
    ['opcode 11', [0x8b, 0x00], fromServer, 1002],
    ['a client that does not mask', [0x81, 0x00], fromClient, 1002],
    ['a server that masks', [0x81, 0x80, 0, 0, 0, 0], fromServer, 1002],
    ['a fragmented ping', [0x09, 0x00], fromServer, 1002],
    ['a ping of 126 bytes', [0x89, 0x7e, 0x00, 0x7e], fromServer, 1002],
    ['a continuation of nothing', [0x80, 0x00], fromServer, 1002],
    ['a message within a message', [0x01, 0x00, 0x81, 0x00], fromServer, 1002],
    ['a length of 125 in two bytes', [0x82, 0x7e, 0x00, 0x7d], fromServer, 1002],
    ['a length of 65535 in eight bytes', [0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], fromServer, 1002],
    ['a length beyond 2^53', [0x82, 0x7f, 0, 0x20, 0, 0, 0, 0, 0, 0], fromServer, 1009],
    ['a length with its highest bit set', [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], fromServer, 1009],
    ['a Close with half a code', [0x88, 0x01, 0x03], fromServer, 1002],
    ['a Close with 1005', [0x88, 0x02, 0x03, 0xed], fromServer, 1002],
    ['a Close with 1006', [0x88, 0x02, 0x03, 0xee], fromServer, 1002],
    ['a Close with 1015', [0x88, 0x02, 0x03, 0xf7], fromServer, 1002],
    ['a Close with 999', [0x88, 0x02, 0x03, 0xe7], fromServer, 1002],
    ['a Close with 5000', [0x88, 0x02, 0x13, 0x88], fromServer, 1002],
    ['a Close whose reason is not UTF-8', [0x88, 0x03, 0x03, 0xe8, 0xff], fromServer, 1007],
  ];

  it.each(cases)('%s', (_what, bytes, options, closeCode) => {
    expect(read(bytes, options).at(-1)).toMatchObject({ kind: 'fault', closeCode });
    expect(summary(bytes, options).at(-1)).toBe(`fault ${closeCode}`);
  });

  it('nothing is read after a fault', () => {
    const parser = new FrameParser(fromServer);
    expect(parser.read(Buffer.from([0x83]))).toHaveLength(1);
    expect(parser.read(Buffer.from([0x81, 0x00]))).toEqual([]);
  });
});

describe('frames that are accepted', () => {
  it.each([1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])('a Close with %s', (code) => {
    expect(read([0x88, 0x02, code >> 8, code & 0xff])).toMatchObject([{ kind: 'control', opcode: 8 }]);
  });

  it('an empty Close, and an empty message', () => {
    expect(summary([0x81, 0x00, 0x88, 0x00])).toEqual([
      ['text', '', true],
      [8, ''],
    ]);
  });

  it('a frame longer than what is held comes as its bytes come, and says where it begins and ends', () => {
    const parser = new FrameParser({ ...fromServer, heldFrameBytes: 4 });
    const first = parser.read(Buffer.from([0x82, 0x06, 1, 2]));
    const second = parser.read(Buffer.from([3, 4, 5, 6, 0x81, 0x00]));
    expect(first).toMatchObject([{ isFrameStart: true, isMessageStart: true, isFrameEnd: false, frameBytes: 6 }]);
    expect(second).toMatchObject([
      { isFrameStart: false, isMessageStart: false, isFrameEnd: true },
      { message: 'text', isFrameStart: true, isFrameEnd: true },
    ]);
  });

  it('compression is of the message: its later frames have no RSV1', () => {
    const events = read([0x41, 0x01, 0x00, 0x80, 0x01, 0x00], { ...fromServer, allowsCompression: true });
    expect(events).toMatchObject([{ isCompressed: true }, { isCompressed: true, isMessageStart: false }]);
  });
});
