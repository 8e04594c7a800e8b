/** What is done to the processes of a cluster, and the record of it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterProcess, TestCluster } from '../support/start-cluster.ts';
import { waitUntil } from '../support/wait-until.ts';

export interface Fault {
  readonly name: string;
  readonly kind: ClusterProcess['kind'];
  readonly how: 'killed' | 'paused' | 'restarted' | 'stopped' | 'cut' | 'unwritable';
  readonly fromMs: number;
  untilMs: number;
}

export type FaultyKind = ClusterProcess['kind'];

export class Faults {
  readonly done: Fault[] = [];
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** Records one that somebody else does, who says when it is over. */
  begin(name: string, kind: FaultyKind, how: Fault['how']): Fault {
    const fault: Fault = { name, kind, how, fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY };
    this.done.push(fault);
    return fault;
  }

  /** kill -9; does not wait until it is back. Gives false when it had ended by itself. */
  kill({ name, kind, pid }: ClusterProcess): boolean {
    if (pid === undefined || !signal(pid, 'SIGKILL')) return false;
    const now = Date.now();
    this.done.push({ name, kind, how: 'killed', fromMs: now, untilMs: now });
    return true;
  }

  /** SIGSTOP, and SIGCONT after so long: the process is there and answers nothing, as when it is cut off. */
  async pause({ name, kind, pid }: ClusterProcess, forMs: number): Promise<void> {
    if (pid === undefined) throw new Error(`${name} does not run`);
    const fault = this.begin(name, kind, 'paused');
    signal(pid, 'SIGSTOP');
    try {
      await pause(forMs);
    } finally {
      signal(pid, 'SIGCONT');
      fault.untilMs = Date.now();
    }
  }

  /** SIGTERM, and a start when it has ended. */
  async restart({ name, kind, port }: ClusterProcess): Promise<void> {
    const fault = this.begin(name, kind, 'restarted');
    await this.#cluster.stopOne(name);
    await this.#cluster.startOne(name);
    if (port !== undefined) await waitUntil(`${name} is ready again`, () => this.#cluster.isReady(port), 60_000);
    fault.untilMs = Date.now();
  }

  /** SIGTERM, and nobody starts them until `start`. */
  async stop(processes: readonly ClusterProcess[]): Promise<void> {
    for (const { name, kind } of processes) this.begin(name, kind, 'stopped');
    await Promise.all(processes.map(({ name }) => this.#cluster.stopOne(name)));
  }

  async start(processes: readonly ClusterProcess[]): Promise<void> {
    await Promise.all(processes.map(({ name }) => this.#cluster.startOne(name)));
    for (const fault of this.done)
      if (fault.how === 'stopped' && processes.some(({ name }) => name === fault.name)) fault.untilMs = Date.now();
  }

  /** The processes of these kinds that serve now; those that were just killed and are not back are not among them. */
  async serving(kinds: readonly FaultyKind[]): Promise<ClusterProcess[]> {
    const running = (await this.#cluster.processes()).filter(
      ({ kind, pid }) => pid !== undefined && kinds.includes(kind),
    );
    const ready = await Promise.all(
      running.map(async ({ kind, port }) => port === undefined || kind === 'redis' || this.#cluster.isReady(port)),
    );
    return running.filter((_, index) => ready[index]);
  }

  /** Waits until all are back and serve. */
  async recovered(timeoutMs = 60_000): Promise<void> {
    await waitUntil(
      'every process serves again',
      async () => {
        const all = await this.#cluster.processes();
        const serving = await this.serving(['postgres', 'redis', 'haproxy', 'control-plane', 'worker']);
        return serving.length === all.length;
      },
      timeoutMs,
    );
    await waitUntil('the balancer has seen it', () => this.#cluster.isReady(this.#cluster.apiPort), 30_000);
  }
}

/** Gives false when there is no such process any more. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
