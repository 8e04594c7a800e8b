import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { HeldBytes } from '../load/held-bytes.ts';
import type { Framing } from '../wire/frame-body.ts';
import type { BodyPiece } from './agent-stream.ts';
import { DeadlineClock } from './deadline.ts';
import { RequestBody } from './request-body.ts';
import { http1AgentOn } from './testing/http1-agent-on.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

const clock = new DeadlineClock(10);
afterAll(() => clock.close());

const pairs: LoopbackPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
});

async function open(framing: Framing, maxBytes?: number) {
  const pair = await loopbackPair();
  pairs.push(pair);
  const agent = http1AgentOn(pair.near, clock);
  return { ...pair, reader: agent.reader, body: new RequestBody(agent, framing, maxBytes) };
}

const ofLength = (lengthBytes: number): Framing => ({ kind: 'length', lengthBytes });
const text = (piece: BodyPiece | undefined) =>
  piece?.kind === 'payload'
    ? Buffer.concat(piece.chunks).toString()
    : piece?.kind === 'refused'
      ? piece.code
      : piece?.kind;

async function rest(body: RequestBody): Promise<string> {
  let all = '';
  for (;;) {
    const piece = await body.next();
    all += String(text(piece));
    if (piece.kind !== 'payload' || piece.isLast) return all;
  }
}

describe('RequestBody.hold', () => {
  it('takes a body of known length whole, and gives it once', async () => {
    const { far, body, reader } = await open(ofLength(10));
    far.write('01234');
    const holding = body.hold(60_000, new HeldBytes(1000));
    await until(() => body.bytes === 5);
    far.write('56789NEXT');
    expect(text(await holding)).toBe('0123456789');
    expect(body.isRead).toBe(true);
    expect(await rest(body)).toBe('0123456789');
    expect(await rest(body)).toBe('');
    expect(String(await reader.read())).toBe('NEXT');
    expect(body.bytes).toBe(10);
  });

  it('holds none that is longer than asked, chunked or empty', async () => {
    for (const framing of [ofLength(11), { kind: 'chunked' } as const, { kind: 'none' } as const, ofLength(0)]) {
      const { body } = await open(framing);
      expect(body.isHoldable(10)).toBe(false);
    }
  });

  it('refuses a placeholder that stands as a value before anything was given on', async () => {
    const sent = '{"key":"onecli://prod/openai"}';
    const { far, body } = await open(ofLength(sent.length));
    far.write(sent);
    expect(text(await body.hold(60_000, new HeldBytes(1000)))).toBe('PLACEHOLDER_NOT_BOUND');
    expect(body.hasMention).toBe(false);
  });

  it('sees one that ends with the body', async () => {
    const sent = 'key=onecli://prod/openai';
    const { far, body } = await open(ofLength(sent.length));
    far.write(`${sent}GET / HTTP/1.1`);
    expect(text(await body.hold(60_000, new HeldBytes(1000)))).toBe('PLACEHOLDER_NOT_BOUND');
  });

  it('says when the agent goes away in the middle', async () => {
    const { far, body } = await open(ofLength(10));
    far.end('0123');
    expect(text(await body.hold(60_000, new HeldBytes(1000)))).toBe('lost');
  });

  it('does not wait for ever for an agent that sends no more', async () => {
    const { far, body } = await open(ofLength(10));
    far.write('0123');
    expect(text(await body.hold(20, new HeldBytes(1000)))).toBe('lost');
  });

  it('ends when its reader is interrupted, as a deadline does', async () => {
    const { body, reader } = await open(ofLength(10));
    const holding = body.hold(60_000, new HeldBytes(1000));
    reader.interrupt();
    expect(text(await holding)).toBe('lost');
  });
});

describe('RequestBody.next', () => {
  it('gives nothing of a request without a body, and is done at once', async () => {
    for (const framing of [{ kind: 'none' } as const, ofLength(0)]) {
      const { body } = await open(framing);
      expect([body.isEmpty, body.isRead]).toEqual([true, true]);
      expect(await body.next()).toEqual({ kind: 'payload', chunks: [], isLast: true });
    }
  });

  it('takes chunks apart, and leaves the next request alone', async () => {
    const { far, body, reader } = await open({ kind: 'chunked' });
    far.write('3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX: y\r\n\r\nNEXT');
    expect(await rest(body)).toBe('abcdefgh');
    expect([body.isRead, body.bytes]).toEqual([true, 8]);
    expect(String(await reader.read())).toBe('NEXT');
  });

  it.each(['3\r\nabcd\r\n', 'g\r\n', '-1\r\n', '0x3\r\nabc\r\n', '3\nabc\n', '\r\n'])(
    'refuses the chunks %j',
    async (sent) => {
      const { far, body } = await open({ kind: 'chunked' });
      far.write(sent);
      expect(await rest(body)).toMatch(/BAD_REQUEST$/);
      expect(body.isRead).toBe(false);
    },
  );

  it('gives pieces as they come, and does not wait for more', async () => {
    const { far, body } = await open(ofLength(1_000_000));
    far.write('first');
    expect(text(await body.next())).toBe('first');
    far.write('second');
    expect(text(await body.next())).toBe('second');
  });

  it('sees a placeholder across the borders of chunks, and refuses the piece that completes it', async () => {
    const { far, body } = await open({ kind: 'chunked' });
    far.write('9\r\n{"k":"one\r\n');
    expect(text(await body.next())).toBe('{"k":"one');
    far.write('a\r\ncli://prod\r\n9\r\n/openai"}\r\n');
    expect(await rest(body)).toMatch(/PLACEHOLDER_NOT_BOUND$/);
  });

  it('lets a mention pass as it is, and remembers it', async () => {
    const sent = 'set the key to onecli://prod/openai please';
    const { far, body } = await open(ofLength(sent.length));
    far.write(sent);
    expect(await rest(body)).toBe(sent);
    expect(body.hasMention).toBe(true);
  });
});

describe('a body that is too long', () => {
  it('is known by its declared length, to the byte', async () => {
    expect((await open(ofLength(1_000), 1_000)).body.isTooLong).toBe(false);
    expect((await open(ofLength(1_001), 1_000)).body.isTooLong).toBe(true);
    expect((await open(ofLength(Number.MAX_SAFE_INTEGER))).body.isTooLong).toBe(false);
  });

  it('is refused in chunks as soon as it has passed the limit', async () => {
    const { far, body } = await open({ kind: 'chunked' }, 8);
    far.write('4\r\nabcd\r\n4\r\nefgh\r\n');
    expect(text(await body.next())).toBe('abcdefgh');
    far.write('1\r\ni\r\n');
    expect(text(await body.next())).toBe('BODY_TOO_LARGE');
  });
});

describe('RequestBody and what all bodies hold together', () => {
  it.each(['hold', 'holdUnwatched'] as const)('%s counts until it is let go, once', async (how) => {
    const { far, body } = await open(ofLength(10));
    far.write('0123456789');
    const heldIn = new HeldBytes(10);
    await (how === 'hold' ? body.hold(60_000, heldIn) : body.holdUnwatched(60_000, 100, heldIn));
    expect(heldIn.bytes).toBe(10);
    body.letGo();
    body.letGo();
    expect(heldIn.bytes).toBe(0);
  });

  it.each(['hold', 'holdUnwatched'] as const)('%s refuses what is too much, for a while', async (how) => {
    const { far, body } = await open(ofLength(10));
    far.write('0123456789');
    const heldIn = new HeldBytes(9);
    const piece = await (how === 'hold' ? body.hold(60_000, heldIn) : body.holdUnwatched(60_000, 100, heldIn));
    expect(piece).toMatchObject({ kind: 'refused', code: 'OVERLOADED', retryAfterSeconds: 5 });
    expect(heldIn.bytes).toBe(0);
  });
});
