import { once } from 'node:events';
import { type ClientHttp2Stream, connect, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Http2Agent } from '../http2/http2-agent.ts';
import type { RequestHead } from '../wire/head.ts';
import type { AgentStream, AnswerHead, Tunnel } from './agent-stream.ts';
import type { DataPlane } from './data-plane.ts';
import { DeadlineClock } from './deadline.ts';
import { handleRequest } from './handle-request.ts';
import { defaultLimits } from './testing/default-limits.ts';
import { http1AgentOn } from './testing/http1-agent-on.ts';
import { loopbackPair, until } from './testing/loopback-pair.ts';

const clock = new DeadlineClock(10);
afterAll(() => clock.close());
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const head: RequestHead = { method: 'GET', target: '/', minor: 1, headers: [] };
const ok: AnswerHead = { status: 200, reason: 'OK', headers: [] };

/** A worker in which serving a request does this and then fails. */
function failingPlane(beforeFault: () => void) {
  const recorded: { reason: string }[] = [];
  const plane = {
    clock,
    limits: defaultLimits,
    underway: 0,
    isDraining: false,
    log: { error: () => undefined },
    metrics: { request: () => undefined },
    trail: { pendingCount: 0, record: (event: { reason: string }) => recorded.push(event) },
    configuration: {
      get current(): never {
        beforeFault();
        throw new Error('a fault');
      },
    },
  };
  return { plane: plane as unknown as DataPlane, reasons: () => recorded.map(({ reason }) => reason) };
}

function beginAnswer(agent: AgentStream): void {
  agent.begin(ok, { kind: 'chunked' }, false);
  agent.push([Buffer.from('the beginning')]);
  void agent.flush();
}

describe('a fault while a request is served over HTTP/1.1', () => {
  async function serve(beforeFault: (agent: AgentStream) => void) {
    const pair = await loopbackPair();
    closers.push(() => pair.close());
    const agent = http1AgentOn(pair.near, clock);
    let received = '';
    let isClosed = false;
    pair.far.on('data', (bytes) => (received += bytes.toString('latin1')));
    pair.far.on('close', () => (isClosed = true));
    const { plane, reasons } = failingPlane(() => beforeFault(agent));
    await handleRequest(plane, agent, head);
    if (!agent.isGone) pair.near.end();
    pair.far.end();
    await until(() => isClosed);
    return { plane, reasons: reasons(), received };
  }

  it('is answered when nothing of an answer was begun', async () => {
    const { plane, reasons, received } = await serve(() => undefined);
    expect(received).toMatch(/^HTTP\/1.1 500 /);
    expect({ reasons, underway: plane.underway }).toEqual({ reasons: ['INTERNAL'], underway: 0 });
  });

  it('cuts an answer that was begun: no other is written into it', async () => {
    const { plane, reasons, received } = await serve(beginAnswer);
    expect(received).not.toContain('500');
    expect(received).not.toContain('\r\n0\r\n');
    expect({ reasons, underway: plane.underway }).toEqual({ reasons: ['INTERNAL'], underway: 0 });
  });

  it('cuts a connection that speaks another protocol already', async () => {
    const { reasons, received } = await serve((agent) => void agent.switchProtocols?.({ ...ok, status: 101 }));
    expect(received).not.toContain('500');
    expect(reasons).toEqual(['INTERNAL']);
  });
});

describe('a fault while a request is served over HTTP/2', () => {
  const listening = async (): Promise<Http2Server> => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    return server;
  };

  async function serve(beforeFault: (agent: AgentStream) => void) {
    const server = await listening();
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closers.push(() => client.destroy());
    const request: ClientHttp2Stream = client.request({ ':path': '/' });
    let status: number | undefined;
    let isEnded = false;
    request.on('response', (fields) => (status = fields[':status']));
    request.on('error', () => undefined);
    request.on('end', () => (isEnded = true));
    request.resume();
    const closed = once(request, 'close').catch(() => undefined);
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
    let agent: Http2Agent | undefined;
    const { plane, reasons } = failingPlane(() => agent && beforeFault(agent));
    agent = new Http2Agent(
      plane,
      stream,
      { tunnel: { identity: {} } as Tunnel, peer: { source: undefined, certificate: undefined } },
      true,
      undefined,
    );
    await handleRequest(plane, agent, head);
    await closed;
    return { plane, reasons: reasons(), status, isWhole: isEnded && request.rstCode === 0 };
  }

  it('is answered when nothing of an answer was begun', async () => {
    const { reasons, status, isWhole } = await serve(() => undefined);
    expect({ reasons, status, isWhole }).toEqual({ reasons: ['INTERNAL'], status: 500, isWhole: true });
  });

  it('resets a stream whose answer was begun, and is recorded', async () => {
    const { plane, reasons, isWhole } = await serve(beginAnswer);
    expect({ reasons, underway: plane.underway, isWhole }).toEqual({
      reasons: ['INTERNAL'],
      underway: 0,
      isWhole: false,
    });
  });
});
