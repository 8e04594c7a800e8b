import { once } from 'node:events';
import { buildSchema } from 'graphql/index.js';
import type { Logger } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { ApiServer } from '../server.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { SubscriptionServer } from './subscription-server.ts';
import { takeUpgrade } from './upgrade-offer.ts';

const log = { warn: () => undefined, error: () => undefined } as unknown as Logger;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('a reader that takes nothing', () => {
  it('holds up its own source, is not buffered for, and is ended', async () => {
    let pulled = 0;
    let isOver = false;
    const schema = buildSchema('type Query { x: Int } type Subscription { much: String }');
    const field = schema.getSubscriptionType()?.getFields()['much'];
    if (!field) throw new Error('no field');
    field.subscribe = async function* () {
      try {
        for (;;) {
          pulled += 1;
          yield { much: 'x'.repeat(100_000) };
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        isOver = true;
      }
    };
    const subscriptions = new SubscriptionServer({ schema, limits: [], log, sendTimeoutMs: 200 });
    const context = { principal: { kind: 'user', name: 'u', assignments: [] } } as unknown as GraphqlContext;
    const server = new ApiServer((request) => {
      const take = () => {
        const offer = takeUpgrade(request);
        if (!offer) throw new Error('no offer');
        return offer;
      };
      subscriptions.accept(request, take, { context, signInAgain: () => Promise.resolve(context.principal) });
    });
    const port = await freePort();
    await server.listen(port, '127.0.0.1');
    ends.push(() => server.close());
    const client = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    client.on('error', () => undefined);
    ends.push(() => client.terminate());
    await once(client, 'open');
    client.send('{"type":"connection_init"}');
    await once(client, 'message');
    client.pause();
    client.send('{"id":"1","type":"subscribe","payload":{"query":"subscription { much }"}}');
    await expect.poll(() => isOver, { timeout: 20_000 }).toBe(true);
    const held = pulled;
    // What the two kernels hold of a loopback connection, and no more.
    expect(held * 100_000).toBeLessThan(64 * 1024 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(held);
  }, 60_000);
});
