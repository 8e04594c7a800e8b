import { afterEach, describe, expect, it, vi } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import { until } from './testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from './testing/sample-upstream.ts';
import { SampleWorker } from './testing/sample-worker.ts';

const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths: [], methods: [], secrets: [] };
const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
const configuration = new Configuration(sampleSnapshot({ agents: [bot], policies: new Map([['p', policy]]) }));
const megabytes = 4;
const body = Buffer.alloc(megabytes * 1024 * 1024, 'x');

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A worker, the bytes that its transfers have told as they asked for their next turn, and what its upstream was sent. */
async function worker() {
  const upstream = await sampleUpstream();
  const seen = { sentBytes: 0, toldBytes: 0 };
  upstream.server.on('request', (request, response) => {
    request.on('data', (bytes: Buffer) => (seen.sentBytes += bytes.length));
    request.on('end', () => response.end(request.method === 'GET' ? body : 'ok'));
  });
  const started = new SampleWorker({ keyring: newKeyring(), configuration, upstream, tokenHash });
  const next = started.plane.turns.next.bind(started.plane.turns);
  vi.spyOn(started.plane.turns, 'next').mockImplementation((movedBytes) => {
    seen.toldBytes += movedBytes;
    return next(movedBytes);
  });
  closers.push(() => {
    started.close();
    upstream.close();
  });
  return { started, seen };
}

/** All but what leaves with the first and the last piece. */
const mostBytes = body.length - 512 * 1024;

describe('a transfer that moves much', () => {
  it('takes its turns with what comes down', async () => {
    const { started, seen } = await worker();
    const agent = await started.openHttp1();
    let receivedBytes = 0;
    agent.on('data', (bytes: Buffer) => (receivedBytes += bytes.length));
    agent.write(`GET /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\n\r\n`);
    await until(() => receivedBytes > body.length);
    expect(seen.toldBytes).toBeGreaterThan(mostBytes);
  });

  it('takes its turns with what goes up', async () => {
    const { started, seen } = await worker();
    const agent = await started.openHttp1();
    let received = '';
    agent.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    agent.write(`POST /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nContent-Length: ${body.length}\r\n\r\n`);
    agent.write(body);
    await until(() => received.includes('ok'));
    expect(seen.sentBytes).toBe(body.length);
    expect(seen.toldBytes).toBeGreaterThan(mostBytes);
  });
});
