import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MessageDeflater } from './message-deflater.ts';
import { MessageInflater, NotDeflateData } from './message-inflater.ts';

const hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

async function inflated(inflater: MessageInflater, bytes: number[] | Buffer, isEnd = true): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of inflater.inflate(Buffer.from(bytes), isEnd)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('MessageInflater by the examples of RFC 7692 7.2.3', () => {
  it('one block, whole and in two frames', async () => {
    const inflater = new MessageInflater();
    expect((await inflated(inflater, hello)).toString()).toBe('Hello');
    const first = await inflated(inflater, hello.slice(0, 3), false);
    expect(Buffer.concat([first, await inflated(inflater, hello.slice(3))]).toString()).toBe('Hello');
    inflater.close();
  });

  it('a window that is kept: the second message points into the first', async () => {
    const inflater = new MessageInflater();
    await inflated(inflater, hello);
    expect((await inflated(inflater, [0xf2, 0x00, 0x11, 0x00, 0x00])).toString()).toBe('Hello');
    inflater.close();
  });

  it('a block without compression', async () => {
    const inflater = new MessageInflater();
    const stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    expect((await inflated(inflater, stored)).toString()).toBe('Hello');
    inflater.close();
  });

  it('a final block, and the window is kept beyond it', async () => {
    const inflater = new MessageInflater();
    expect((await inflated(inflater, [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00])).toString()).toBe('Hello');
    expect((await inflated(inflater, [0xf2, 0x00, 0x11, 0x00, 0x00])).toString()).toBe('Hello');
    inflater.close();
  });

  it('two blocks in one message', async () => {
    const inflater = new MessageInflater();
    const two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    expect((await inflated(inflater, two)).toString()).toBe('Hello');
    inflater.close();
  });

  it('an empty message', async () => {
    const inflater = new MessageInflater();
    expect(await inflated(inflater, [0x00])).toHaveLength(0);
    expect((await inflated(inflater, hello)).toString()).toBe('Hello');
    inflater.close();
  });
});

describe('MessageInflater with hostile data', () => {
  it('what is not deflate data is told as such', async () => {
    await expect(inflated(new MessageInflater(), [0xff, 0xff, 0xff, 0xff])).rejects.toThrow(NotDeflateData);
  });

  it('a reference ahead of the window is told as such', async () => {
    await expect(inflated(new MessageInflater(), [0xf2, 0x00, 0x11, 0x00, 0x00])).rejects.toThrow(NotDeflateData);
  });

  it('final blocks without end are refused', async () => {
    const finals = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([0x03, 0x00])));
    await expect(inflated(new MessageInflater(), finals)).rejects.toThrow(NotDeflateData);
  });

  it('a bomb comes in pieces of at most 16 KiB, no faster than they are taken', async () => {
    const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover: false });
    const bomb = await deflater.deflate(Buffer.alloc(8 * 1024 * 1024), true);
    expect(bomb.length).toBeLessThan(64 * 1024);
    const inflater = new MessageInflater();
    let takenBytes = 0;
    for await (const piece of inflater.inflate(bomb, true)) {
      expect(piece.length).toBeLessThanOrEqual(16 * 1024);
      takenBytes += piece.length;
      if (takenBytes > 100_000) break;
    }
    expect(takenBytes).toBeLessThan(150_000);
    inflater.close();
    deflater.close();
  });

  it('closing it ends whoever waits for more', async () => {
    const inflater = new MessageInflater();
    const pieces = inflater.inflate(Buffer.from(hello), true);
    inflater.close();
    expect((await pieces.next()).done).toBe(true);
  });
});

describe('MessageDeflater', () => {
  it.each([8, 9, 12, 15])(
    'what it makes with a window of %s bits is read by one of that size',
    async (maxWindowBits) => {
      const deflater = new MessageDeflater({ maxWindowBits, noContextTakeover: false });
      const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(200));
      const compressed = await deflater.deflate(text, true);
      const tail = Buffer.from([0, 0, 0xff, 0xff, 3, 0]);
      expect(inflateRawSync(Buffer.concat([compressed, tail]), { windowBits: maxWindowBits })).toEqual(text);
      deflater.close();
    },
  );

  it('it points into earlier messages, unless each begins anew', async () => {
    const text = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
    for (const noContextTakeover of [false, true]) {
      const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover });
      const first = await deflater.deflate(text, true);
      const second = await deflater.deflate(text, true);
      if (noContextTakeover) expect(second).toEqual(first);
      else expect(second.length).toBeLessThan(first.length / 2);
      deflater.close();
    }
  });

  it('each part of a message can be read before the next, and the parts are one message', async () => {
    const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover: false });
    const inflater = new MessageInflater();
    const texts: string[] = [];
    for (const [text, isEnd] of [
      ['one, ', false],
      ['', false],
      ['two', false],
      ['', true],
      ['three', true],
    ] as const) {
      texts.push((await inflated(inflater, await deflater.deflate(Buffer.from(text), isEnd), isEnd)).toString());
    }
    expect(texts).toEqual(['one, ', '', 'two', '', 'three']);
    deflater.close();
    inflater.close();
  });

  it('an empty message is one byte', async () => {
    const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover: false });
    expect(await deflater.deflate(Buffer.alloc(0), true)).toEqual(Buffer.from([0]));
    deflater.close();
  });
});
