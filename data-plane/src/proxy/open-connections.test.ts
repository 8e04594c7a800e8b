import { afterEach, describe, expect, it } from 'vitest';
import type { Configuration } from '../snapshot/configuration.ts';
import { OpenConnections } from './open-connections.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

const pairs: LoopbackPair[] = [];
const opened: OpenConnections[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
  for (const connections of opened.splice(0)) connections.close();
});

function follow(maxConnections: number, connectionMs = Number.POSITIVE_INFINITY) {
  const clock = { nowMs: 0 };
  const errors: unknown[] = [];
  const connections = new OpenConnections({
    maxConnections,
    connectionMs,
    nowMs: () => clock.nowMs,
    onError: (error) => errors.push(error),
  });
  opened.push(connections);
  const add = async () => {
    const pair = await loopbackPair();
    pairs.push(pair);
    return { ...pair, connection: connections.add(pair.near) };
  };
  return { clock, connections, errors, add };
}

describe('OpenConnections', () => {
  it('lets a new one in at the cost of the one that has been silent the longest', async () => {
    const { connections, add } = follow(2);
    const [first, second, third] = [await add(), await add(), await add()];
    expect([first.near.destroyed, second.near.destroyed, third.connection !== undefined]).toEqual([true, false, true]);
    expect(connections.count).toBe(2);
  });

  it('never gives up one that has sent a request', async () => {
    const { connections, add } = follow(2);
    const [first, second] = [await add(), await add()];
    for (const { connection } of [first, second]) if (connection) connections.spoke(connection);
    expect((await add()).connection).toBeUndefined();
    expect([first.near.destroyed, second.near.destroyed]).toEqual([false, false]);
  });

  it('has room again when one has closed', async () => {
    const { connections, add } = follow(1);
    const first = await add();
    if (first.connection) connections.spoke(first.connection);
    first.near.destroy();
    await until(() => first.near.closed);
    expect((await add()).connection).toBeDefined();
    expect(connections.count).toBe(1);
  });

  it('ends old ones when they are idle, and lets the others finish', async () => {
    const { clock, connections, add } = follow(10, 1_000);
    const [idle, busy] = [await add(), await add()];
    if (idle.connection) idle.connection.isIdle = true;
    clock.nowMs = 500;
    const young = await add();
    if (young.connection) young.connection.isIdle = true;
    clock.nowMs = 1_000;
    connections.expire();
    expect([idle, busy, young].map(({ near }) => near.writableEnded)).toEqual([true, false, false]);
    expect([busy, young].map(({ connection }) => connection?.isExpired)).toEqual([true, false]);
  });

  it('looks again at all of them, and ends the one that cannot be', async () => {
    const { connections, errors, add } = follow(10);
    const all = [await add(), await add(), await add()];
    const looked: number[] = [];
    for (const [index, { connection }] of all.entries()) {
      if (!connection) continue;
      connection.holder = {
        lookAgain: () => {
          if (index === 1) throw new Error('a fault');
          looked.push(index);
        },
      };
    }
    await connections.lookAgain({} as Configuration);
    expect({ looked, ended: all.map(({ near }) => near.destroyed), errors: errors.map(String) }).toEqual({
      looked: [0, 2],
      ended: [false, true, false],
      errors: ['Error: a fault'],
    });
    await connections.lookAgain({} as Configuration);
    expect(looked).toEqual([0, 2, 0, 2]);
  });
});
