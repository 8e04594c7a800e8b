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

  /**
   * Holds what may come; to be settled with what came, so that the rest is free again.
   * @throws Fault OVERLOADED
   */
  async take(principal: Principal, bytes: number): Promise<(cameBytes: number) => Promise<void>> {
    const held = costOf(bytes);
    if (held === 0) return () => Promise.resolve();
    const name = nameOf(principal);
    const { consumedPoints, msBeforeNext } = await this.#sent.penalty(name, held);
    const endsAtMs = performance.now() + msBeforeNext;
    if (consumedPoints <= bytesPerMinute)
      return async (cameBytes) => {
        const rest = held - costOf(cameBytes);
        // In a minute that is over nothing is held any more: the next one would begin with more than it has.
        if (rest > 0 && performance.now() < endsAtMs) await this.#sent.reward(name, rest);
      };
    await this.#sent.reward(name, held);
    throw new Fault('OVERLOADED', 'More than 24 MB came from you within a minute: try again when it is over');
  }
}

function costOf(bytes: number): number {
  return bytes <= smallBytes ? 0 : bytes;
}
