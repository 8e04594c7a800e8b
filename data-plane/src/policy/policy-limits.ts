/**
 * What rules limit: requests in a time, and requests at once. Counted where `RateLimiterAbstract` counts: in this worker's
 * memory, until a store that all workers share stands behind it.
 */
import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import { type RateLimiterAbstract, RateLimiterMemory } from 'rate-limiter-flexible';

export type Admission =
  | {
      readonly kind: 'admitted';
      /** A rule of a policy in monitor mode whose limit was exceeded. */
      readonly exceeded: string | undefined;
      /** Has to be called once the request is over. Calling it again does nothing. */
      release(): void;
    }
  | {
      readonly kind: 'limited';
      readonly code: 'RATE_LIMITED' | 'TOO_MANY_CONCURRENT';
      /** The rule whose limit it is. */
      readonly rule: string;
      readonly retryAfterSeconds: number;
    };

interface Taken {
  readonly key: string;
  readonly perSeconds: number;
}

export class PolicyLimits {
  /** Requests under way, by rule and agent. */
  readonly #underway = new Map<string, number>();
  readonly #rates: RateLimiterAbstract;

  /** @param rates it only counts: how many there may be is the rule's to say, and rules change */
  constructor(rates: RateLimiterAbstract = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 1 })) {
    this.#rates = rates;
  }

  /** Rules under which an agent has requests under way. */
  get underwayCount(): number {
    return this.#underway.size;
  }

  /** Counts one request of an agent under all of these limits, or under none when one of them is exceeded. */
  async admit(limits: readonly RuleLimits[], agentId: string): Promise<Admission> {
    const crowded = limits.filter((limit) => this.#isCrowded(limit, agentId));
    const refusing = crowded.find(({ isMonitored }) => !isMonitored);
    if (refusing) return { kind: 'limited', code: 'TOO_MANY_CONCURRENT', rule: refusing.rule, retryAfterSeconds: 1 };
    const release = this.#enter(limits, agentId);
    let rated: Rated | undefined;
    try {
      rated = await this.#countAll(limits, agentId);
    } finally {
      if (rated?.kind !== 'within') release();
    }
    if (rated.kind === 'limited') return rated;
    return { kind: 'admitted', exceeded: crowded[0]?.rule ?? rated.exceeded, release };
  }

  #isCrowded({ key, maxConcurrent }: RuleLimits, agentId: string): boolean {
    return maxConcurrent !== undefined && (this.#underway.get(keyOf(key, agentId)) ?? 0) >= maxConcurrent;
  }

  #enter(limits: readonly RuleLimits[], agentId: string): () => void {
    const keys = limits
      .filter(({ maxConcurrent }) => maxConcurrent !== undefined)
      .map(({ key }) => keyOf(key, agentId));
    for (const key of keys) this.#underway.set(key, (this.#underway.get(key) ?? 0) + 1);
    return () => {
      for (const key of keys.splice(0)) {
        const left = (this.#underway.get(key) ?? 1) - 1;
        if (left > 0) this.#underway.set(key, left);
        else this.#underway.delete(key);
      }
    };
  }

  /** A request that is refused takes nothing: what was counted already is taken back. */
  async #countAll(limits: readonly RuleLimits[], agentId: string): Promise<Rated> {
    const taken: Taken[] = [];
    let exceeded: string | undefined;
    for (const { rule, key, rate, isMonitored } of limits) {
      if (!rate) continue;
      const { requests, perSeconds, by } = rate;
      const counted = { key: by === 'rule' ? key : keyOf(key, agentId), perSeconds };
      taken.push(counted);
      const { consumedPoints, msBeforeNext } = await this.#rates.consume(counted.key, 1, {
        customDuration: perSeconds,
      });
      if (consumedPoints <= requests) continue;
      if (isMonitored) {
        exceeded ??= rule;
        continue;
      }
      for (const one of taken) await this.#rates.reward(one.key, 1, { customDuration: one.perSeconds });
      const retryAfterSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      return { kind: 'limited', code: 'RATE_LIMITED', rule, retryAfterSeconds };
    }
    return { kind: 'within', exceeded };
  }
}

type Rated =
  | { readonly kind: 'within'; readonly exceeded: string | undefined }
  | Extract<Admission, { readonly kind: 'limited' }>;

function keyOf(rule: string, agentId: string): string {
  return `${rule} ${agentId}`;
}
