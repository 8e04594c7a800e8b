import { LRUCache } from 'lru-cache';

export interface MintBudgetOptions {
  readonly perMinute: number;
  readonly perAgentPerMinute: number;
  readonly nowMs?: () => number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Agents whose use is remembered; one that is forgotten begins anew. */
const maxAgents = 10_000;

/**
 * How many certificates may be made: each costs a millisecond in which nobody is served, and an agent can ask for any
 * number of names that a wildcard rule covers. A minute's worth may be taken at once; then it comes back evenly.
 */
export class MintBudget {
  readonly #options: MintBudgetOptions;
  readonly #nowMs: () => number;
  readonly #ofAll: Bucket;
  readonly #ofAgents = new LRUCache<string, Bucket>({ max: maxAgents });

  constructor(options: MintBudgetOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#ofAll = { tokens: options.perMinute, atMs: this.#nowMs() };
  }

  /** Takes one certificate for an agent and gives 0; or takes nothing and gives the whole seconds after which to ask again. */
  take(agentId: string): number {
    const { perMinute, perAgentPerMinute } = this.#options;
    const nowMs = this.#nowMs();
    const ofAgent = this.#ofAgents.get(agentId) ?? { tokens: perAgentPerMinute, atMs: nowMs };
    this.#ofAgents.set(agentId, ofAgent);
    const waitMs = Math.max(refill(this.#ofAll, perMinute, nowMs), refill(ofAgent, perAgentPerMinute, nowMs));
    if (waitMs > 0) return Math.ceil(waitMs / 1000);
    this.#ofAll.tokens -= 1;
    ofAgent.tokens -= 1;
    return 0;
  }
}

/** Brings a bucket up to now and gives the milliseconds until it has one to take. */
function refill(bucket: Bucket, perMinute: number, nowMs: number): number {
  bucket.tokens = Math.min(perMinute, bucket.tokens + ((nowMs - bucket.atMs) * perMinute) / 60_000);
  bucket.atMs = nowMs;
  return bucket.tokens >= 1 ? 0 : ((1 - bucket.tokens) * 60_000) / perMinute;
}
