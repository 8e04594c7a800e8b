import { Fault } from '@onecli/shared/fault';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { nameOf } from '../auth/few-at-once.ts';
import type { Principal } from '../auth/principal.ts';

/** What is smaller costs no more than a call does. */
const smallBytes = 64 * 1024;
/** A plan and an apply of the largest configuration, and one plan more. */
const bytesPerMinute = 24 * 1024 * 1024;

/** How much large JSON one principal may send in a minute: nothing else is done while it is read. */
export class BodyBudget {
  readonly #sent = new RateLimiterMemory({ points: bytesPerMinute, duration: 60 });

  /** @throws Fault OVERLOADED */
  async take(principal: Principal, bytes: number): Promise<void> {
    if (bytes <= smallBytes) return;
    const { consumedPoints } = await this.#sent.penalty(nameOf(principal), bytes);
    if (consumedPoints <= bytesPerMinute) return;
    await this.#sent.reward(nameOf(principal), bytes);
    throw new Fault('OVERLOADED', 'More than 24 MB came from you within a minute: try again when it is over');
  }
}
