/**
 * What rules limit: requests in a time, and requests at once. Counted in this worker's memory, and, where there is a store that all
 * workers share, there too: the stricter of both holds, so that a store that lies or is away lets nothing more pass.
 */
import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import type { SharedCount, SharedCounts } from '@onecli/shared/ports/shared-counts';
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

/** One request that was counted. */
interface Taken {
  readonly key: string;
  readonly perSeconds: number;
  /** When the time that it was counted in ends here, by the clock of `Date`. */
  readonly endsAtMs: number;
  readonly own: number;
  readonly ownMs: number;
  /** What all workers had; undefined when nobody said. */
  readonly all: SharedCount | undefined;
}

export class PolicyLimits {
  /** Requests under way, by rule and agent. */
  readonly #underway = new Map<string, number>();
  readonly #rates: RateLimiterAbstract;
  readonly #shared: SharedCounts | undefined;

  /** @param rates it only counts: how many there may be is the rule's to say, and rules change */
  constructor(
    shared?: SharedCounts,
    rates: RateLimiterAbstract = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 1 }),
  ) {
    this.#shared = shared;
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
    if (refusing) return tooMany(refusing);
    const release = this.#enter(limits, agentId);
    let verdict: Verdict | undefined;
    try {
      const elsewhere = await this.#crowdedElsewhere(limits, agentId);
      verdict = elsewhere && !elsewhere.isMonitored ? tooMany(elsewhere) : await this.#countAll(limits, agentId);
      if (verdict.kind === 'limited') return verdict;
      return { kind: 'admitted', exceeded: (crowded[0] ?? elsewhere)?.rule ?? verdict.exceeded, release };
    } finally {
      if (verdict?.kind !== 'within') release();
    }
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
        this.#shared?.hold(key, left);
      }
    };
  }

  /** Takes a place of all workers' under each limit; gives the first that has none, an enforced one before one that is only watched. */
  async #crowdedElsewhere(limits: readonly RuleLimits[], agentId: string): Promise<RuleLimits | undefined> {
    let watched: RuleLimits | undefined;
    for (const limit of this.#shared ? limits : []) {
      if (limit.maxConcurrent === undefined) continue;
      const key = keyOf(limit.key, agentId);
      const own = this.#underway.get(key) ?? 1;
      const others = (await this.#shared?.enter(key, own, limit.maxConcurrent)) ?? 0;
      if (others === 0 || own + others <= limit.maxConcurrent) continue;
      if (!limit.isMonitored) return limit;
      watched ??= limit;
    }
    return watched;
  }

  /** A request that is refused takes nothing: what was counted already is taken back. */
  async #countAll(limits: readonly RuleLimits[], agentId: string): Promise<Verdict> {
    const taken: Taken[] = [];
    let exceeded: string | undefined;
    for (const { rule, key, rate, isMonitored } of limits) {
      if (!rate) continue;
      const { requests, perSeconds, by } = rate;
      const counted = await this.#count(by === 'rule' ? key : keyOf(key, agentId), perSeconds);
      taken.push(counted);
      const overMs = msOver(counted, requests);
      if (overMs === undefined) continue;
      if (isMonitored) {
        exceeded ??= rule;
        continue;
      }
      for (const one of taken) await this.#takeBack(one);
      const retryAfterSeconds = Math.min(perSeconds, Math.max(1, Math.ceil(overMs / 1000)));
      return { kind: 'limited', code: 'RATE_LIMITED', rule, retryAfterSeconds };
    }
    return { kind: 'within', exceeded };
  }

  /** Counts one, here and for all workers. */
  async #count(key: string, perSeconds: number): Promise<Taken> {
    // Before the counting: the end that comes of it is never later than the true one.
    const askedAtMs = Date.now();
    const [own, all] = await Promise.all([
      this.#rates.consume(key, 1, { customDuration: perSeconds }),
      this.#shared?.count(key, perSeconds),
    ]);
    const endsAtMs = askedAtMs + own.msBeforeNext;
    return { key, perSeconds, endsAtMs, own: own.consumedPoints, ownMs: own.msBeforeNext, all };
  }

  /** Only from the time that it was counted in: in the next one there would be a request more than its limit. */
  async #takeBack({ key, perSeconds, endsAtMs, all }: Taken): Promise<void> {
    if (Date.now() < endsAtMs) {
      const left = await this.#rates.reward(key, 1, { customDuration: perSeconds });
      // The clock was set back, and the count had gone meanwhile.
      if (left.consumedPoints < 0) await this.#rates.delete(key);
    }
    if (all) await this.#shared?.takeBack(key, all);
  }
}

/** When there are more than `requests`: the milliseconds until the next may come. */
function msOver({ own, ownMs, all, perSeconds }: Taken, requests: number): number | undefined {
  const overMs = own > requests ? [ownMs] : [];
  // How long is left may be made up as well: what is none is taken for the whole time.
  if (all && all.requests > requests) overMs.push(all.msBeforeNext > 0 ? all.msBeforeNext : perSeconds * 1000);
  return overMs.length > 0 ? Math.max(...overMs) : undefined;
}

type Verdict =
  | { readonly kind: 'within'; readonly exceeded: string | undefined }
  | Extract<Admission, { readonly kind: 'limited' }>;

function tooMany({ rule }: RuleLimits): Extract<Admission, { readonly kind: 'limited' }> {
  return { kind: 'limited', code: 'TOO_MANY_CONCURRENT', rule, retryAfterSeconds: 1 };
}

function keyOf(rule: string, agentId: string): string {
  return `${rule} ${agentId}`;
}
