import { once } from 'node:events';
import { type ClientHttp2Session, constants } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from '../proxy/limits.ts';
import { defaultLimits } from '../proxy/testing/default-limits.ts';
import { until } from '../proxy/testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from '../proxy/testing/sample-upstream.ts';
import { SampleWorker } from '../proxy/testing/sample-worker.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';

const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths: [], methods: [], secrets: [] };
const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };

function configurationOf(revision: number, isDisabled = false): Configuration {
  const agents = [{ ...bot, isDisabled }];
  return new Configuration(sampleSnapshot({ revision, agents, policies: new Map([['p', policy]]) }));
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A worker whose upstream begins an answer and says no more. */
async function worker(limits: Partial<Limits> = {}): Promise<SampleWorker> {
  const upstream = await sampleUpstream();
  upstream.server.on('request', (_request, response) => void response.write('begun'));
  const started = new SampleWorker({
    keyring: newKeyring(),
    configuration: configurationOf(1),
    upstream,
    tokenHash,
    limits,
  });
  closers.push(() => {
    started.close();
    upstream.close();
  });
  return started;
}

const ping = (session: ClientHttp2Session): Promise<boolean> =>
  new Promise((resolve) => {
    session.once('close', () => resolve(false));
    if (session.destroyed || !session.ping((error) => resolve(error === null))) resolve(false);
  });

describe('the HTTP/2 connection of an agent', () => {
  it('ends when too many PINGs come, and that is recorded once', async () => {
    const started = await worker({ http2: { ...defaultLimits.http2, maxPings: 5, pingsPerSecond: 0.001 } });
    const session = await started.openHttp2();
    let code: number | undefined;
    session.once('goaway', (given: number) => (code = given));
    let answered = 0;
    while (answered < 50 && (await ping(session))) answered++;
    expect(answered).toBeLessThanOrEqual(5);
    await until(() => session.destroyed);
    expect({ code, reasons: started.events.map(({ reason }) => reason) }).toEqual({
      code: constants.NGHTTP2_ENHANCE_YOUR_CALM,
      reasons: ['TOO_MANY_PINGS'],
    });
  });

  it('ends when nothing is asked on it, and not while something is under way', async () => {
    const started = await worker({ keepAliveMs: 50, firstHeadMs: 50 });
    const [idle, busy] = [await started.openHttp2(), await started.openHttp2()];
    const stream = busy.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await once(stream, 'data');
    await until(() => idle.destroyed);
    expect(busy.closed).toBe(false);
    stream.close();
    await until(() => busy.destroyed);
  });

  it('ends with its streams when its agent is disabled, and the trail says why', async () => {
    const started = await worker();
    const session = await started.openHttp2();
    const stream = session.request({ ':path': '/' });
    let isWhole = false;
    stream.on('error', () => undefined);
    stream.on('end', () => (isWhole = stream.rstCode === 0));
    await once(stream, 'data');
    await started.apply(configurationOf(2, true));
    await until(() => session.destroyed && started.events.length === 1);
    expect(isWhole).toBe(false);
    expect(started.events).toMatchObject([{ decision: 'deny', reason: 'PROXY_AUTH_INVALID' }]);
  });
});

describe('an HTTP/1.1 answer that streams', () => {
  it('is cut when its agent is disabled, and the trail says why', async () => {
    const started = await worker();
    const agent = await started.openHttp1();
    let received = '';
    agent.on('data', (bytes) => (received += String(bytes)));
    agent.write(`GET / HTTP/1.1\r\nHost: ${upstreamHost}\r\n\r\n`);
    await until(() => received.includes('begun'));
    await started.apply(configurationOf(2, true));
    await until(() => agent.destroyed && started.events.length === 1);
    expect(received).not.toContain('0\r\n\r\n');
    expect(started.events).toMatchObject([{ decision: 'deny', reason: 'PROXY_AUTH_INVALID' }]);
  });
});
