import type { Logger } from 'pino';
import type { LoginLimiter } from './login-limiter.ts';
import type { SessionStore } from './session-store.ts';

const intervalMs = 10 * 60_000;

/** Forgets sessions, links and counts of failed logins that are over, every ten minutes until it is stopped. */
export class AccessSweeper {
  readonly #timer: NodeJS.Timeout;

  private constructor(sweep: () => Promise<void>) {
    this.#timer = setInterval(() => void sweep(), intervalMs).unref();
  }

  static start(sessions: SessionStore, limiter: LoginLimiter, log: Logger): AccessSweeper {
    return new AccessSweeper(async () => {
      try {
        await sessions.sweep();
        await limiter.sweep();
      } catch (error) {
        log.warn({ err: error }, 'what is over could not be swept away; it is tried again in ten minutes');
      }
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
