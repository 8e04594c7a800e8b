/**
 * What one control plane does for all of them, again and again: expiry, rotations, checkpoints, sinks and the like. Each job has a loop
 * of its own that runs for as long as this process leads; when it is killed another one leads within seconds, and does them.
 *
 * A job is not exact: a leader that is cut off from the database, or was stopped, may end its last look after another has begun. So
 * each keeps what it does in transactions that find it done, as if both led.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Leadership } from './leadership.ts';

/** Something that the leader does from time to time. */
export interface LeaderJob {
  readonly name: string;
  readonly everyMs: number;
  /** Does what there is to be done now. Gives how many milliseconds to wait before the next time, where it is not `everyMs`. */
  readonly look: (signal: AbortSignal) => Promise<void | number>;
  /** Another one leads: what this one told as the leader holds no more. */
  readonly lost?: () => void;
}

export interface LeaderJobsOptions {
  readonly leadership: Pick<Leadership, 'isHeld' | 'release'>;
  readonly jobs: readonly LeaderJob[];
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
  /** This process leads, or does not any more. */
  readonly led: (isLeading: boolean) => void;
  /** A job has looked; `isDone` is false when that failed. */
  readonly looked: (job: string, isDone: boolean) => void;
  /** How long one look may take before another process is to lead. Default 45 minutes. */
  readonly maxLookMs?: number;
}

const askEveryMs = 1_000;
/** Longer than any look: the first count of traffic may take half an hour. */
const usualLookMs = 45 * 60_000;
/** How long one that gave up leading lets others try. */
const asideMs = 10_000;

/** Runs the jobs while this process leads. */
export class LeaderJobs {
  readonly #options: LeaderJobsOptions;
  readonly #stopping = new AbortController();
  /** While it leads. */
  #term: AbortController | undefined;
  /** Of each job, what it did in the terms so far: one that hangs holds up its own next term, and no other job. */
  readonly #loops = new Map<LeaderJob, Promise<void>>();
  /** Until when this process does not ask to lead. */
  #asideUntil = 0;
  #election: Promise<void> | undefined;

  constructor(options: LeaderJobsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.led(false);
    for (const { lost } of this.#options.jobs) lost?.();
    this.#election ??= this.#elect();
  }

  /** Lets the looks under way end, and another one lead. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#election;
    this.#step(false);
    await Promise.all(this.#loops.values());
    await this.#options.leadership.release();
  }

  async #elect(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const isHeld = performance.now() >= this.#asideUntil && (await this.#options.leadership.isHeld());
      if (!signal.aborted) this.#step(isHeld);
      await pause(askEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #step(isLeading: boolean): void {
    const { jobs, led, log } = this.#options;
    if (isLeading === (this.#term !== undefined)) return;
    led(isLeading);
    if (isLeading) {
      const term = new AbortController();
      this.#term = term;
      log.info({}, 'this control plane leads: it does what one of them does for all');
      // A loop of a term before may not have ended yet.
      for (const job of jobs) {
        const before = this.#loops.get(job) ?? Promise.resolve();
        this.#loops.set(
          job,
          before.then(() => this.#run(job, term.signal)),
        );
      }
      return;
    }
    this.#term?.abort();
    this.#term = undefined;
    for (const { lost } of jobs) lost?.();
    log.info({}, 'this control plane does not lead any more');
  }

  async #run(job: LeaderJob, signal: AbortSignal): Promise<void> {
    const { looked, log } = this.#options;
    let isFailing = false;
    while (!signal.aborted) {
      let waitMs = job.everyMs;
      try {
        waitMs = (await this.#watched(job, signal)) ?? job.everyMs;
        looked(job.name, true);
        isFailing = false;
      } catch (error) {
        if (signal.aborted) return;
        looked(job.name, false);
        if (!isFailing) log.error({ err: error, job: job.name }, 'a job of the leader failed; it will be tried again');
        isFailing = true;
      }
      await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
    job.lost?.();
  }

  /** A look that does not end leaves its job undone for as long as this process leads: so it leads no more. */
  async #watched(job: LeaderJob, signal: AbortSignal): Promise<void | number> {
    const { leadership, log, looked, maxLookMs = usualLookMs } = this.#options;
    const timer = setTimeout(() => {
      if (signal.aborted) return;
      log.error({ job: job.name }, 'a job of the leader hangs: this control plane gives up leading');
      // Should no other lead, this one does again, and all jobs but that one: it has to show as not done.
      looked(job.name, false);
      this.#asideUntil = performance.now() + asideMs;
      this.#step(false);
      void leadership.release();
    }, maxLookMs);
    try {
      return await job.look(signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
