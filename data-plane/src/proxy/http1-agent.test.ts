import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseResponseHead } from '../wire/parse-head.ts';
import type { AnswerHead } from './agent-stream.ts';
import { type OwnAnswer, refusal, refusalAnswer } from './answer.ts';
import { DeadlineClock } from './deadline.ts';
import { http1AgentOn } from './testing/http1-agent-on.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

const clock = new DeadlineClock(10);
afterAll(() => clock.close());
const pairs: LoopbackPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
});

async function open(minor: 0 | 1 = 1) {
  const pair = await loopbackPair();
  pairs.push(pair);
  const agent = http1AgentOn(pair.near, clock);
  agent.minor = minor;
  let received = '';
  let isEnded = false;
  pair.far.on('data', (bytes) => (received += bytes.toString('latin1')));
  pair.far.on('close', () => (isEnded = true));
  const ended = async () => {
    pair.near.end();
    pair.far.end();
    await until(() => isEnded);
    return received;
  };
  return { ...pair, agent, ended, soFar: () => received, isEnded: () => isEnded };
}

const limits = { maxHeadBytes: 65_536, maxHeaders: 100 };
function parse(text: string) {
  const parsed = parseResponseHead(Buffer.from(text, 'latin1'), limits);
  if (parsed.kind !== 'head') throw new Error(parsed.kind);
  const headers = Object.fromEntries(parsed.head.headers.map(({ name, value }) => [name, value]));
  return { ...parsed.head, headers, body: Buffer.from(text.slice(parsed.consumedBytes), 'latin1').toString('utf8') };
}

const ok: AnswerHead = { status: 200, reason: 'OK', headers: [['X-A', 'b']] };
const own = (body: string): OwnAnswer => ({ status: 403, reason: 'Forbidden', headers: [], body });

describe('Http1Agent and an answer', () => {
  it('sends head and payload as one, when asked to', async () => {
    const { agent, ended, soFar } = await open();
    agent.begin(ok, { kind: 'length', lengthBytes: 5 }, false);
    agent.push([Buffer.from('he'), Buffer.from('llo')]);
    expect(agent.pendingBytes).toBeGreaterThan(5);
    expect(soFar()).toBe('');
    expect(await agent.end()).toBe(true);
    expect(agent.isLast).toBe(false);
    expect(parse(await ended())).toMatchObject({ status: 200, body: 'hello', headers: { 'content-length': '5' } });
  });

  it('frames what has no length as chunks', async () => {
    const { agent, ended } = await open();
    agent.begin(ok, { kind: 'chunked' }, false);
    agent.push([Buffer.from('hello')]);
    await agent.flush();
    await agent.end();
    expect((await ended()).split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe('5\r\nhello\r\n0\r\n\r\n');
  });

  it('ends what has no length by closing where the agent knows no chunks', async () => {
    const { agent, ended } = await open(0);
    agent.begin(ok, { kind: 'chunked' }, false);
    agent.push([Buffer.from('hello')]);
    await agent.end();
    expect(agent.isLast).toBe(true);
    expect(parse(await ended())).toMatchObject({ body: 'hello', headers: { connection: 'close' } });
  });

  it('sends interim answers only to agents that know them', async () => {
    const interim: AnswerHead = { status: 103, reason: 'Early Hints', headers: [['Link', '</a>']] };
    const old = await open(0);
    await old.agent.interim(interim);
    expect(await old.ended()).toBe('');
    const young = await open(1);
    await young.agent.interim(interim);
    expect(parse(await young.ended())).toMatchObject({ status: 103, headers: { link: '</a>' } });
  });

  it('cuts the connection of an answer that was cut, so that no end is seen', async () => {
    const { agent, far, soFar, isEnded } = await open();
    let hasEnd = false;
    far.on('end', () => (hasEnd = true));
    agent.begin(ok, { kind: 'close' }, false);
    agent.push([Buffer.from('half')]);
    await agent.flush();
    await until(() => soFar().endsWith('half'));
    agent.abort();
    await until(isEnded);
    expect([hasEnd, agent.isLast]).toEqual([false, true]);
  });
});

describe('Http1Agent and an answer of ours', () => {
  it('counts bytes, not characters', async () => {
    const { agent, ended } = await open();
    expect(await agent.answer(own('ü€'), 'GET', false)).toBe(5);
    expect(parse(await ended())).toMatchObject({ body: 'ü€', headers: { 'content-length': '5' } });
  });

  it('answers HEAD with the length and without the body', async () => {
    const { agent, ended } = await open();
    expect(await agent.answer(own('hello'), 'HEAD', false)).toBe(0);
    expect(parse(await ended())).toMatchObject({ body: '', headers: { 'content-length': '5' } });
  });

  it('says that the connection ends when it does', async () => {
    const { agent, ended } = await open();
    await agent.answer(refusalAnswer(refusal('BAD_REQUEST', 'No.'), 'r-1'), 'GET', true);
    expect(agent.isLast).toBe(true);
    expect(parse(await ended()).headers.connection).toBe('close');
  });

  it('never lets a line break into a header', async () => {
    const { agent } = await open();
    await expect(agent.answer({ ...own(''), headers: [['X', 'a\r\nSet-Cookie: b']] }, 'GET', false)).rejects.toThrow(
      RangeError,
    );
    await expect(agent.answer({ ...own(''), reason: 'OK\r\nX: y' }, 'GET', false)).rejects.toThrow(RangeError);
  });
});
