import { constants, brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Header } from '../wire/head.ts';
import { ContentDecoder, contentCodings, DecodeError } from './content-decoder.ts';

const text = Buffer.from('{"value":"some text that repeats, some text that repeats"}\n'.repeat(50));
const encoded: Readonly<Record<string, readonly [codings: readonly string[], bytes: Buffer]>> = {
  gzip: [['gzip'], gzipSync(text)],
  'gzip in two members': [['gzip'], Buffer.concat([gzipSync(text.subarray(0, 99)), gzipSync(text.subarray(99))])],
  br: [['br'], brotliCompressSync(text)],
  'deflate in its wrapper': [['deflate'], deflateSync(text)],
  'deflate without it': [['deflate'], deflateRawSync(text)],
  'deflate, then gzip': [['deflate', 'gzip'], gzipSync(deflateSync(text))],
  'three in a row': [['br', 'deflate', 'gzip'], gzipSync(deflateSync(brotliCompressSync(text)))],
};

async function decode(codings: readonly string[], pieces: readonly Buffer[]): Promise<Buffer> {
  const decoder = new ContentDecoder(codings);
  const out: Buffer[] = [];
  try {
    for (const piece of pieces) for await (const bytes of decoder.decode(piece)) out.push(bytes);
    for await (const bytes of decoder.finish()) out.push(bytes);
    return Buffer.concat(out);
  } finally {
    decoder.close();
  }
}

const inPieces = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

describe('ContentDecoder', () => {
  it.each(Object.entries(encoded))('decodes %s, whole and byte by byte', async (_what, [codings, bytes]) => {
    expect(await decode(codings, [bytes])).toEqual(text);
    expect(await decode(codings, inPieces(bytes, 1))).toEqual(text);
  });

  it.each(Object.entries(encoded))('does not take a cut %s for a whole one', async (_what, [codings, bytes]) => {
    await expect(decode(codings, [bytes.subarray(0, -3)])).rejects.toThrow();
  });

  it.each(['gzip', 'br', 'deflate'])('does not take other bytes for %s', async (coding) => {
    await expect(decode([coding], [Buffer.from('xplain text, and more of it')])).rejects.toThrow();
  });

  it.each(['gzip', 'deflate', 'br'])('never gives what stands behind the end of %s', async (coding) => {
    const [, bytes] = encoded[coding === 'deflate' ? 'deflate in its wrapper' : coding] ?? [[], text];
    for (const pieces of [
      [bytes, Buffer.from('behind')],
      [Buffer.concat([bytes, Buffer.from('behind')])],
      [bytes, Buffer.from('b'), Buffer.from('e')],
    ]) {
      const decoded = await decode([coding], pieces).catch(() => text);
      expect(decoded).toEqual(text);
    }
  });

  it('decodes an empty payload to nothing', async () => {
    expect(await decode(['gzip', 'br'], [])).toEqual(Buffer.alloc(0));
    expect(await decode(['gzip'], [Buffer.alloc(0)])).toEqual(Buffer.alloc(0));
  });

  it('gives what was flushed without waiting for more', async () => {
    const decoder = new ContentDecoder(['gzip']);
    const flushed = gzipSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
    const out: Buffer[] = [];
    for await (const bytes of decoder.decode(flushed)) out.push(bytes);
    expect(Buffer.concat(out)).toEqual(text);
    decoder.close();
  });

  it('holds no more of a bomb than is taken of it', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
    const decoder = new ContentDecoder(['gzip']);
    const taken = decoder.decode(bomb);
    const first = await taken.next();
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
    expect((first.value as Buffer).length).toBeLessThan(1024 * 1024);
    let total = (first.value as Buffer).length;
    for await (const bytes of taken) total += bytes.length;
    expect(total).toBe(64 * 1024 * 1024);
    decoder.close();
  });
});

describe.skipIf(contentCodings([field('zstd')]) === undefined)('ContentDecoder of zstd, where Node has it', () => {
  const hello = Buffer.from('KLUv/SAWhQAAUGhlbGxvIHpzdGQBAOFKEQ==', 'base64');

  it('decodes it, whole and byte by byte', async () => {
    expect((await decode(['zstd'], [hello])).toString()).toBe('hello hello hello zstd');
    expect((await decode(['zstd'], inPieces(hello, 1))).toString()).toBe('hello hello hello zstd');
  });

  it.each([
    ['a cut stream', [hello.subarray(0, -3)]],
    ['other bytes', [Buffer.from('plain')]],
    ['bytes behind it', [hello, Buffer.from('behind')]],
    ['a window of 128 MB', [Buffer.from('28b52ffd008809000061', 'hex')]],
  ])('does not take %s for a whole one', async (_what, pieces) => {
    await expect(decode(['zstd'], pieces)).rejects.toThrow(DecodeError);
  });
});

function field(value: string): Header {
  return { name: 'content-encoding', rawName: 'Content-Encoding', value };
}

describe('contentCodings', () => {
  const codings = (...values: string[]) => contentCodings(values.map(field));

  it.each([
    [[], []],
    [['identity'], []],
    [['GZip'], ['gzip']],
    [['deflate, gzip'], ['deflate', 'gzip']],
    [
      ['deflate', 'gzip, br'],
      ['deflate', 'gzip', 'br'],
    ],
    [['gzip,, identity'], ['gzip']],
  ])('reads %j', (values, expected) => expect(codings(...values)).toEqual(expected));

  it.each(['grpc-encoding', 'connect-content-encoding'])('knows none for messages that %s compresses', (name) => {
    const coded = (value: string) => contentCodings([{ name, rawName: name, value }]);
    expect([coded('identity'), coded('gzip'), coded('Deflate')]).toEqual([[], undefined, undefined]);
  });

  it.each([['compress'], ['gzip, x-unknown'], ['gzip, gzip, gzip, gzip'], ['constructor'], ['gzip;q=1']])(
    'knows nothing of %j',
    (value) => expect(codings(value)).toBeUndefined(),
  );
});
