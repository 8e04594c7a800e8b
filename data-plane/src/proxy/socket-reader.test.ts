import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { parseRequestHead } from '../wire/parse-head.ts';
import { SocketReader } from './socket-reader.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

const limits = { maxHeadBytes: 1024, maxHeaders: 20 };
const pairs: LoopbackPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
});

async function open(highWaterBytes?: number) {
  const pair = await loopbackPair();
  pairs.push(pair);
  return { ...pair, reader: new SocketReader(pair.near, highWaterBytes) };
}

async function readBytes(reader: SocketReader, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < count) {
    const next = await reader.read();
    if (typeof next === 'string') throw new Error(`ended: ${next}`);
    bytes = Buffer.concat([bytes, next]);
  }
  return bytes;
}

describe('SocketReader', () => {
  it('gives the bytes in order, whether they were waited for or not', async () => {
    const { far, reader } = await open();
    const waiting = reader.read();
    far.write('one');
    expect(String(await waiting)).toBe('one');
    far.write('two');
    await until(() => reader.queuedBytes === 3);
    far.write('three');
    expect(String(await readBytes(reader, 8))).toBe('twothree');
    expect(reader.queuedBytes).toBe(0);
  });

  it('gives what was put back first', async () => {
    const { far, reader } = await open();
    far.write('bc');
    await until(() => reader.queuedBytes === 2);
    reader.unshift(Buffer.from('a'));
    reader.unshift(Buffer.alloc(0));
    expect(String(await readBytes(reader, 3))).toBe('abc');
  });

  it('pauses a peer that sends faster than it is read, and loses nothing', async () => {
    const { near, far, reader } = await open(16 * 1024);
    const sent = randomBytes(8 * 1024 * 1024);
    far.end(sent);
    await until(() => near.isPaused());
    const heldBytes = reader.queuedBytes;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(reader.queuedBytes).toBe(heldBytes);
    expect(reader.queuedBytes).toBeLessThan(16 * 1024 + 128 * 1024);
    const got = await readBytes(reader, sent.length);
    expect(got.equals(sent)).toBe(true);
    expect(await reader.read()).toBe('end');
  });

  it('tells the end from the loss, after the bytes that came ahead of it', async () => {
    const ended = await open();
    ended.far.end('last');
    await until(() => ended.reader.ending !== undefined);
    expect(String(await ended.reader.read())).toBe('last');
    expect(await ended.reader.read()).toBe('end');
    expect(await ended.reader.read()).toBe('end');
    const lost = await open();
    const waiting = lost.reader.read();
    lost.far.resetAndDestroy();
    expect(await waiting).toBe('lost');
  });

  it('tells its owner once that the peer is gone', async () => {
    const { far, near, reader } = await open();
    let endings = 0;
    reader.onEnding = () => endings++;
    far.end();
    await until(() => reader.ending === 'end');
    near.destroy();
    await once(near, 'close');
    expect(endings).toBe(1);
  });

  it('can be interrupted, and leaves the socket open for an answer', async () => {
    const { near, far, reader } = await open();
    const waiting = reader.read();
    reader.interrupt();
    expect(await waiting).toBe('lost');
    expect(near.writable).toBe(true);
    near.write('answer');
    expect(String((await once(far, 'data'))[0])).toBe('answer');
  });

  it('gives the socket away with every byte, and takes none of what comes later', async () => {
    const { near, far, reader } = await open();
    far.write('early');
    await until(() => reader.queuedBytes === 5);
    const rest = reader.detach();
    expect(String(rest)).toBe('early');
    far.write('late');
    expect(near.isPaused()).toBe(true);
    expect(near.listenerCount('data') + near.listenerCount('end')).toBeLessThanOrEqual(1);
    const later = once(near, 'data');
    near.resume();
    expect(String((await later)[0])).toBe('late');
    expect(reader.queuedBytes).toBe(0);
  });

  it('survives an error of a socket that it gave away', async () => {
    const { near, reader } = await open();
    reader.detach();
    expect(() => near.emit('error', new Error('reset'))).not.toThrow();
  });

  it('tells that bytes came, to whoever expects none', async () => {
    const { far, reader } = await open();
    let calls = 0;
    reader.onBytes = () => calls++;
    far.write('unasked');
    await until(() => reader.queuedBytes > 0);
    expect(calls).toBe(1);
  });
});

describe('SocketReader.readHead', () => {
  const head = 'POST /v1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n';

  it('reads a head that comes octet by octet, and leaves the body', async () => {
    const { far, reader } = await open();
    let firsts = 0;
    const reading = reader.readHead(parseRequestHead, limits, () => firsts++);
    for (const octet of head) {
      far.write(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    far.write('body');
    expect(await reading).toMatchObject({ kind: 'head', head: { method: 'POST', target: '/v1' } });
    expect(firsts).toBe(1);
    expect(String(await readBytes(reader, 4))).toBe('body');
  });

  it('reads two heads of one packet one after the other', async () => {
    const { far, reader } = await open();
    far.write(`${head}body${head}`);
    expect((await reader.readHead(parseRequestHead, limits)).kind).toBe('head');
    const rest = await readBytes(reader, 4);
    reader.unshift(rest.subarray(4));
    expect((await reader.readHead(parseRequestHead, limits)).kind).toBe('head');
    expect(reader.queuedBytes).toBe(0);
  });

  it('gives a fault as soon as it is one, and does not wait for the end of the head', async () => {
    const { far, reader } = await open();
    far.write('get / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await reader.readHead(parseRequestHead, limits)).toMatchObject({ kind: 'fault' });
    const long = await open();
    long.far.write(`GET / HTTP/1.1\r\nX: ${'a'.repeat(2000)}`);
    expect(await long.reader.readHead(parseRequestHead, limits)).toMatchObject({ code: 'HEAD_TOO_LARGE' });
  });

  it('tells a connection that ended between two requests from one that ended within a head', async () => {
    const idle = await open();
    idle.far.end();
    expect(await idle.reader.readHead(parseRequestHead, limits)).toEqual({
      kind: 'ended',
      how: 'end',
      isPartial: false,
    });
    const partial = await open();
    partial.far.end('GET / HT');
    expect(await partial.reader.readHead(parseRequestHead, limits)).toEqual({
      kind: 'ended',
      how: 'end',
      isPartial: true,
    });
  });
});
