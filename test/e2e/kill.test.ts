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

let paths = 0;

/** Requests, each with a path of its own, one after another over fresh tunnels and an open one until told to stop. */
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
          const path = `/v1/load/${(paths += 1)}`;
          connection.send(requestBytes('GET', path, { authorization: 'Bearer onecli://prod/openai' }));
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

/** Paths of requests that reached the upstream with the secret. */
function atUpstream(): Set<string> {
  const withSecret = world.upstream.requests.filter(
    ({ target, head }) => target.startsWith('/v1/load/') && head.includes(world.canary),
  );
  return new Set(withSecret.map(({ target }) => target));
}

/** What of that the audit trail does not have. */
async function missing(): Promise<string[]> {
  const recorded = new Set((await audited()).map(({ path }) => path));
  return [...atUpstream()].filter((path) => !recorded.has(path));
}

async function audited() {
  return (await world.audit()).filter(({ path }) => path.startsWith('/v1/load/'));
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
    // What follows on a batch that a killed control plane had in hand waits until the queue gives that away again.
    await waitUntil('the audit trail has caught up', async () => (await missing()).length === 0, 30_000);
  });

  it('of the worker, again and again: it serves again, and every secret that left is in the audit trail, once', async () => {
    const load = new Load();
    for (let round = 0; round < 4; round += 1) {
      await served(load, 40);
      const pid = world.onecli.kill('worker');
      await comesBack('worker', pid);
    }
    await served(load, 50);
    await load.end();
    expect(load.failures.filter((one) => one.includes('nothing after'))).toEqual([]); // nobody is left hanging
    expect(atUpstream().size).toBeGreaterThan(200);
    await waitUntil('the audit trail has caught up', async () => (await missing()).length === 0, 60_000);
    const events = await audited();
    expect(new Set(events.map(({ path }) => path)).size).toBe(events.length);
    const interrupted = events.filter(({ reason }) => reason === 'INTERRUPTED');
    console.log(`${events.length} requests over 4 kills of the worker: ${interrupted.length} interrupted`);
    expect(interrupted.every(({ status, secrets }) => status === 0 && secrets.length === 1)).toBe(true);
  });
});
