import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { ProductPart } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** Requests one after another over fresh tunnels and an open one until told to stop. */
class Load {
  served = 0;
  readonly failures: string[] = [];
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor() {
    this.#running = Promise.all([1, 2, 3, 4].map(() => this.#run()));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const connection = await world.tunnel();
        for (let index = 0; index < 20 && !this.#isOver; index += 1) {
          connection.send(requestBytes('GET', '/v1/load', { authorization: 'Bearer onecli://prod/openai' }));
          const answer = await connection.readResponse();
          if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
          this.served += 1;
        }
        connection.close();
      } catch (error) {
        this.failures.push((error as Error).message);
        await pause(20);
      }
    }
  }
}

async function served(load: Load, more: number): Promise<void> {
  const goal = load.served + more;
  await waitUntil(`${more} more requests are served`, () => load.served >= goal, 30_000);
}

async function comesBack(part: ProductPart, oldPid: number): Promise<void> {
  await waitUntil(`${part} has a new process`, () => world.onecli.pidsOf(part).some((pid) => pid !== oldPid), 30_000);
}

function atUpstream(): number {
  return world.upstream.requests.filter((one) => one.target === '/v1/load').length;
}

async function audited(): Promise<number> {
  return (await world.audit()).filter((item) => item.path === '/v1/load').length;
}

describe('kill -9 under load', () => {
  it.each(['control-plane', 'postgres'] as const)(
    'of %s: not one request fails, and it comes back by itself',
    async (part) => {
      const load = new Load();
      await served(load, 50);
      const pid = world.onecli.kill(part);
      await served(load, 200);
      await comesBack(part, pid);
      const change = { description: `after ${part}` };
      await waitUntil(
        'the API takes a change',
        async () => (await world.onecli.api('PUT', '/api/secrets/prod%2Fopenai', change)).status === 200,
        30_000,
      );
      await waitUntil(
        'the API is ready',
        async () => (await callApi(world.onecli.apiUrl, 'GET', '/readyz')).status === 200,
        30_000,
      );
      await served(load, 50);
      await load.end();
      expect(load.failures).toEqual([]);
    },
  );

  it('every request is in the audit trail, although its keepers were killed', async () => {
    await waitUntil('the audit trail has caught up', async () => (await audited()) === atUpstream(), 30_000);
  });

  it('of the worker: it serves again', async () => {
    const load = new Load();
    await served(load, 50);
    const pid = world.onecli.kill('worker');
    const killedAt = performance.now();
    await waitUntil(
      'a request fails or the worker is new',
      () => load.failures.length > 0 || world.onecli.pidsOf('worker')[0] !== pid,
    );
    await comesBack('worker', pid);
    await served(load, 1);
    console.log(`the worker served again ${(performance.now() - killedAt).toFixed(0)} ms after kill -9`);
    await served(load, 50);
    await load.end();
    expect(load.failures.filter((one) => one.includes('nothing after'))).toEqual([]); // nobody is left hanging
    const missing = async (): Promise<number> => atUpstream() - (await audited());
    await waitUntil('the audit trail stands still', async () => (await missing()) === (await missing()));
    console.log(`requests whose audit event went with the worker: ${await missing()} of ${atUpstream()}`);
  });
});
