import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DeadlineClock } from '../proxy/deadline.ts';
import { defaultLimits } from '../proxy/testing/default-limits.ts';
import { until } from '../proxy/testing/loopback-pair.ts';
import { UpstreamSession } from './upstream-session.ts';

const clock = new DeadlineClock(10);
afterAll(() => clock.close());
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const fields = () => ({
  ':method': 'GET',
  ':scheme': 'https',
  ':authority': 'a.example',
  ':path': '/',
});

/** Sends one request to its end. */
async function used(mayIdle?: () => boolean) {
  const server = createServer((_request, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  let ended = 0;
  const session = new UpstreamSession(socket, 'key', defaultLimits, clock, () => ended++, mayIdle);
  closers.push(() => {
    session.destroy();
    server.close();
  });
  expect(session.reserve()).toBe(true);
  const stream = session.request(fields, true);
  if (!stream) throw new Error('the session has ended');
  stream.resume();
  await once(stream, 'close');
  return { session, socket, ended: () => ended };
}

describe('UpstreamSession without a stream', () => {
  it('waits for the next one', async () => {
    const { session, ended } = await used();
    expect({
      isIdle: session.isIdle,
      hasEnded: session.hasEnded,
      ended: ended(),
    }).toEqual({
      isIdle: true,
      hasEnded: false,
      ended: 0,
    });
    expect(session.reserve()).toBe(true);
  });

  it('ends at once where enough others wait', async () => {
    const { session, socket, ended } = await used(() => false);
    expect(session.hasEnded).toBe(true);
    expect(session.reserve()).toBe(false);
    if (!socket.destroyed) await once(socket, 'close');
    expect(ended()).toBe(1);
  });
});

describe('UpstreamSession with streams', () => {
  it('opens none that would wait for room, when its upstream takes fewer than it did as room was kept', async () => {
    const server = createServer();
    const streams: ServerHttp2Stream[] = [];
    server.on('stream', (stream: ServerHttp2Stream) => streams.push(stream));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const arriving = once(server, 'session') as Promise<[ServerHttp2Session]>;
    const session = new UpstreamSession(socket, 'key', defaultLimits, clock, () => undefined);
    closers.push(() => {
      session.destroy();
      server.close();
    });
    const [far] = await arriving;
    expect([session.reserve(), session.reserve()]).toEqual([true, true]);
    far.settings({ maxConcurrentStreams: 1 });
    await once(far, 'localSettings');
    expect(session.request(fields, true)).toBeUndefined();
    expect(session.request(fields, true)).toBeDefined();
    expect(session.reserve()).toBe(false);
    await until(() => streams.length === 1);
  });
});
