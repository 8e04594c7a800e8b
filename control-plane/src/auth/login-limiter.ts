import { createHash } from 'node:crypto';
import { Fault } from '@onecli/shared/fault';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

export interface LoginLimits {
  /** Failed tries for one user from one address before that pair has to wait. */
  readonly triesPerUser: number;
  /** Failed tries from one address, whoever is named. */
  readonly triesPerAddress: number;
  readonly windowSeconds: number;
}

export const defaultLoginLimits: LoginLimits = { triesPerUser: 10, triesPerAddress: 50, windowSeconds: 60 };

/**
 * Counts failed logins. A try is counted before the password is looked at, so that a thousand tries at once are not a thousand
 * guesses, and taken back when it succeeds.
 */
export class LoginLimiter {
  readonly #perUser: RateLimiterMemory;
  readonly #perAddress: RateLimiterMemory;

  constructor(limits: LoginLimits = defaultLoginLimits) {
    const duration = limits.windowSeconds;
    this.#perUser = new RateLimiterMemory({ keyPrefix: 'user', points: limits.triesPerUser, duration });
    this.#perAddress = new RateLimiterMemory({ keyPrefix: 'address', points: limits.triesPerAddress, duration });
  }

  /**
   * Counts a try.
   * @throws Fault TOO_MANY_LOGINS
   */
  async count(address: string, user: string): Promise<void> {
    try {
      await this.#perAddress.consume(address);
      await this.#perUser.consume(keyOf(address, user));
    } catch (cause) {
      if (!(cause instanceof RateLimiterRes)) throw cause;
      throw new Fault(
        'TOO_MANY_LOGINS',
        `Too many failed logins. Try again in ${Math.ceil(cause.msBeforeNext / 1000)} s`,
      );
    }
  }

  /** The try that was counted last was no failure of the one who knocked: it is taken back, and the pair starts anew. */
  async uncount(address: string, user: string): Promise<void> {
    await this.#perAddress.reward(address);
    await this.#perUser.delete(keyOf(address, user));
  }
}

/** A user's name is chosen by whoever knocks: its digest has a bounded length. */
function keyOf(address: string, user: string): string {
  return `${address} ${createHash('sha256').update(user).digest('base64url')}`;
}
