import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePorts } from '../../../test/support/free-port.ts';
import { readConfig } from './config.ts';
import { supervise } from './supervise.ts';
import type { Supervision } from './supervision.ts';
import { waitFor } from './wait-for.ts';

const patience = { timeoutMs: 30_000, everyMs: 50 };
const login = { authorization: `Basic ${Buffer.from('admin:drain-test-password').toString('base64')}` };

let dataDir: string;
let upstream: Server;
let ports: string[];
let running: Supervision | undefined;
const portOf = (server: Server) => String((server.address() as AddressInfo).port);

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function start(drainMs: string): Promise<Supervision> {
  const [proxyPort, apiPort] = ports;
  const read = readConfig([], {
    PATH: process.env['PATH'],
    ONECLI_DATA_DIR: dataDir,
    ONECLI_PROXY_PORT: proxyPort,
    ONECLI_API_PORT: apiPort,
    ONECLI_ADMIN_PASSWORD: 'drain-test-password',
    ONECLI_ALLOW_RANGES: '127.0.0.0/8',
    ONECLI_CONNECT_TO: `slow.example:80=127.0.0.1:${portOf(upstream)}`,
    ONECLI_DRAIN_MS: drainMs,
  });
  if (read.kind !== 'config') throw new Error(JSON.stringify(read));
  const lines: string[] = [];
  running = await supervise(read.config, inject('planes'), (line) => lines.push(line));
  const isReady = () => lines.some((line) => line.includes('OneCLI is ready'));
  if ((await waitFor(isReady, patience)) === undefined) throw new Error(lines.join('\n'));
  return running;
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  const post = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { ...login, 'content-type': 'application/json' },
  };
  const response = await fetch(`http://127.0.0.1:${ports[1]}${path}`, body === undefined ? { headers: login } : post);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Asks the slow upstream through the proxy, again while the policy has not reached the worker; gives a begun answer. */
async function beginAnswer(token: string): Promise<IncomingMessage> {
  const credentials = Buffer.from(`slow-agent:${token}`).toString('base64');
  const ask = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { host: 'slow.example', 'proxy-authorization': `Basic ${credentials}` };
      const target = { host: '127.0.0.1', port: ports[0], path: 'http://slow.example/stream', headers, agent: false };
      request(target, resolve).once('error', reject).end();
    });
  const answer = await waitFor(async () => {
    const one = await ask();
    if (one.statusCode === 200) return one;
    one.resume();
    return undefined;
  }, patience);
  if (answer === undefined) throw new Error('the worker did not let the request through');
  return answer;
}

/** Whether an answer came whole. */
async function isWhole(answer: IncomingMessage): Promise<boolean> {
  try {
    for await (const _ of answer);
    return answer.complete;
  } catch {
    return false;
  }
}

interface Recorded {
  readonly path: string;
  readonly reason: string;
  readonly responseBytes: number;
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'onecli-drain-'));
  ports = (await freePorts(2)).map(String);
  upstream = await listening(
    createServer((_incoming, answer) => {
      answer.write('begun');
      finish = () => answer.end('ended');
    }),
  );
});
let finish: () => void = () => undefined;

afterAll(async () => {
  await running?.stop();
  upstream.closeAllConnections();
  upstream.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('stopping with a request under way', () => {
  it('records a request that it had to cut, and lets one finish that ends in time', async () => {
    const first = await start('200');
    const { token } = await call<{ token: string }>('/api/agents', {
      name: 'slow-agent',
      identities: [{ token: {} }],
    });
    await call('/api/policies', {
      name: 'slow',
      agents: ['slow-agent'],
      rules: [{ allow: { hosts: ['slow.example:80'] } }],
    });
    const cut = isWhole(await beginAnswer(token));
    await first.stop();
    expect(await cut).toBe(false);

    const second = await start('20000');
    const recorded = await waitFor(async () => {
      const { items } = await call<{ items: Recorded[] }>('/api/audit?decision=allow');
      return items.length > 0 ? items : undefined;
    }, patience);
    expect(recorded).toMatchObject([{ path: '/stream', responseBytes: 5 }]);

    const whole = isWhole(await beginAnswer(token));
    const stopped = second.stop();
    await waitFor(
      () =>
        fetch(`http://127.0.0.1:${ports[0]}/readyz`, { signal: AbortSignal.timeout(200) }).then(
          () => false,
          () => true,
        ),
      patience,
    );
    finish();
    expect(await whole).toBe(true);
    await stopped;

    await start('200');
    const all = await waitFor(async () => {
      const { items } = await call<{ items: Recorded[] }>('/api/audit?decision=allow');
      return items.length > 1 ? items : undefined;
    }, patience);
    expect(all?.map(({ reason }) => reason)).toContain('ALLOWED');
  });
});
