import type { Logger } from 'pino';

const intervalMs = 10 * 60_000;

/** Forgets what is over, such as sessions, links and old events, every ten minutes until it is stopped. */
export class AccessSweeper {
  readonly #timer: NodeJS.Timeout;

  private constructor(sweep: () => Promise<void>) {
    this.#timer = setInterval(() => void sweep(), intervalMs).unref();
  }

  static start(sweeps: readonly (() => Promise<void>)[], log: Logger): AccessSweeper {
    return new AccessSweeper(async () => {
      for (const sweep of sweeps)
        try {
          await sweep();
        } catch (error) {
          log.warn({ err: error }, 'what is over could not be swept away; it is tried again in ten minutes');
        }
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
