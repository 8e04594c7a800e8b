import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeadlineClock } from './deadline.ts';
import { JoinedSockets } from './join-sockets.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

let agent: LoopbackPair;
let host: LoopbackPair;
let clock: DeadlineClock;

beforeEach(async () => {
  [agent, host] = [await loopbackPair(), await loopbackPair()];
  clock = new DeadlineClock(5);
});
afterEach(() => {
  clock.close();
  agent.close();
  host.close();
});

const join = (idleMs = 60_000) => new JoinedSockets(agent.near, host.near, { clock, idleMs });

/** All that comes out of a socket, so far. */
function gather(socket: Socket): { text: string } {
  const gathered = { text: '' };
  socket.on('data', (chunk: Buffer) => (gathered.text += chunk.toString()));
  return gathered;
}

describe('JoinedSockets', () => {
  it('gives the bytes of each to the other, and counts them', async () => {
    const joined = join();
    const [atAgent, atHost] = [gather(agent.far), gather(host.far)];
    agent.far.write('hello');
    host.far.write('welcome!');
    await until(() => atAgent.text === 'welcome!' && atHost.text === 'hello');
    expect([joined.forthBytes, joined.backBytes]).toEqual([5, 8]);
  });

  it('ends one way, and goes on the other', async () => {
    const joined = join();
    const [atAgent, atHost] = [gather(agent.far), gather(host.far)];
    agent.far.end('all of it');
    await once(host.far, 'end');
    expect(atHost.text).toBe('all of it');
    host.far.write('and this is ');
    await until(() => atAgent.text === 'and this is ');
    host.far.end('the answer');
    await joined.ended;
    await until(() => agent.far.closed);
    expect(atAgent.text).toBe('and this is the answer');
    expect(agent.far.errored).toBe(null);
  });

  it('holds back a side that sends what the other does not take', async () => {
    const joined = join();
    host.far.pause();
    const block = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (!agent.far.writableNeedDrain || host.near.writableNeedDrain === false) {
      agent.far.write(block);
      sent += block.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(host.near.writableLength).toBeLessThan(4 * block.length);
    host.far.resume();
    await until(() => joined.forthBytes === sent);
  });

  it('resets the other when one is lost', async () => {
    const joined = join();
    host.far.write('the first half');
    await once(agent.far, 'data');
    host.far.resetAndDestroy();
    await until(() => agent.far.closed);
    expect(agent.far.errored).toMatchObject({ code: 'ECONNRESET' });
    await joined.ended;
  });

  it('resets the host when the agent is lost, also when that was before', async () => {
    agent.near.destroy();
    await once(agent.near, 'close');
    const joined = join();
    host.far.resume();
    await until(() => host.far.closed);
    await joined.ended;
    expect(host.near.destroyed).toBe(true);
  });

  it('cuts both when nothing passes for too long', async () => {
    const joined = join(20);
    gather(agent.far);
    gather(host.far);
    await joined.ended;
    expect([agent.near.destroyed, host.near.destroyed]).toEqual([true, true]);
  });
});
