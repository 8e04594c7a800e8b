import { setTimeout as pause } from 'node:timers/promises';
import { requestBytes } from './raw-agent.ts';
import { waitUntil } from './wait-until.ts';
import type { World } from './world.ts';

/** Requests with a secret, one after another over a few tunnels, half of them fresh, until told to end. */
export class SteadyLoad {
  served = 0;
  readonly failures: string[] = [];
  #isOver = false;
  readonly #world: World;
  readonly #pauseMs: number;
  readonly #running: Promise<unknown>;

  constructor(world: World, options: { readonly tunnels?: number; readonly pauseMs?: number } = {}) {
    this.#world = world;
    this.#pauseMs = options.pauseMs ?? 2;
    this.#running = Promise.all(Array.from({ length: options.tunnels ?? 4 }, () => this.#run()));
  }

  /** Ends it; gives what failed. */
  async end(): Promise<readonly string[]> {
    this.#isOver = true;
    await this.#running;
    return this.failures;
  }

  /** Waits until so many more requests are served. */
  async serves(more: number): Promise<void> {
    const goal = this.served + more;
    await waitUntil(`${more} more requests are served`, () => this.served >= goal, 60_000);
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const connection = await this.#world.tunnel();
        for (let index = 0; index < 20 && !this.#isOver; index += 1) {
          connection.send(requestBytes('GET', '/v1/load', { authorization: 'Bearer onecli://prod/openai' }));
          const answer = await connection.readResponse();
          if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
          this.served += 1;
          await pause(this.#pauseMs);
        }
        connection.close();
      } catch (error) {
        this.failures.push((error as Error).message);
        await pause(20);
      }
    }
  }
}
