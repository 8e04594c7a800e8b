/** A load whose arrivals do not wait for answers: a slow or dead server gets as much as a quick one. */
import { setTimeout as pause } from 'node:timers/promises';
import { AgentRequests, type Outcome, type RequestKind } from './agent-requests.ts';
import type { ChaosWorld } from './chaos-world.ts';
import type { Seeded } from './seeded.ts';

/** How many of twenty arrivals are of a kind. */
const mix: readonly (readonly [RequestKind, number])[] = [
  ['keep', 8],
  ['fresh', 3],
  ['stream', 2],
  ['upload', 2],
  ['echo', 1],
  ['plain', 1],
  ['ungranted', 1],
  ['misbound', 1],
  ['socket', 1],
];
const kinds = mix.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
/** More at once would only measure this process. */
const mostUnderway = 2000;

export class OpenLoop {
  readonly outcomes: Outcome[] = [];
  readonly #requests: AgentRequests;
  readonly #underway = new Set<Promise<void>>();
  readonly #random: Seeded;
  readonly #world: ChaosWorld;
  readonly #ratePerSecond: number;
  readonly #running: Promise<void>;
  #isOver = false;
  #arrived = 0;

  constructor(
    world: ChaosWorld,
    random: Seeded,
    { ratePerSecond, proxyPort }: { readonly ratePerSecond: number; readonly proxyPort: number },
  ) {
    this.#world = world;
    this.#random = random;
    this.#ratePerSecond = ratePerSecond;
    this.#requests = new AgentRequests(proxyPort, world.caPem);
    this.#running = this.#arrive();
  }

  get arrived(): number {
    return this.#arrived;
  }

  /** Lets nobody arrive any more and waits for those who have. */
  async end(): Promise<readonly Outcome[]> {
    this.#isOver = true;
    await this.#running;
    await Promise.all(this.#underway);
    this.#requests.close();
    return this.outcomes;
  }

  async #arrive(): Promise<void> {
    let dueMs = performance.now();
    while (!this.#isOver) {
      dueMs += this.#random.gapMs(this.#ratePerSecond);
      const aheadMs = dueMs - performance.now();
      if (aheadMs > 0) await pause(aheadMs);
      if (this.#underway.size >= mostUnderway) throw new Error('the load is more than this machine carries');
      const agent = this.#random.pick(this.#world.agents);
      const plan = { id: `${this.#random.seed}-${this.#arrived++}`, kind: this.#random.pick(kinds), agent };
      const request = this.#requests.make(plan).then((outcome) => void this.outcomes.push(outcome));
      this.#underway.add(request);
      void request.finally(() => this.#underway.delete(request));
    }
  }
}
