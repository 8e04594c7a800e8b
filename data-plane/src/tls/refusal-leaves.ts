/**
 * Certificates for hosts that policy refuses, so that an agent reads the refusal inside its tunnel. They are kept apart from those
 * of hosts that agents may reach, and each agent may have so many minted: one that asks for names without end gets
 * its refusals at CONNECT, and costs its neighbours neither a certificate nor the time to mint one.
 */
import type { SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { LeafCache } from './leaf-cache.ts';

export interface RefusalLeavesOptions {
  /** Certificates that an agent may have minted at once. */
  readonly burst: number;
  /** Milliseconds after which it may have one more. */
  readonly refillMs: number;
  readonly now?: () => number;
}

const defaults: RefusalLeavesOptions = { burst: 20, refillMs: 3000 };
const maxAgents = 10_000;

export class RefusalLeaves {
  readonly #leaves: LeafCache;
  readonly #options: RefusalLeavesOptions;
  readonly #now: () => number;
  readonly #budgets = new LRUCache<string, { left: number; atMs: number }>({ max: maxAgents });

  constructor(leaves: LeafCache, options: RefusalLeavesOptions = defaults) {
    this.#leaves = leaves;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The context for `host`, or undefined when it would have to be minted and the agent has had its share. Throws as `LeafCache`. */
  secureContextFor(agentId: string, host: string): SecureContext | undefined {
    if (!this.#leaves.has(host) && !this.#take(agentId)) return undefined;
    return this.#leaves.secureContextFor(host);
  }

  #take(agentId: string): boolean {
    const { burst, refillMs } = this.#options;
    const atMs = this.#now();
    const budget = this.#budgets.get(agentId) ?? { left: burst, atMs };
    const left = Math.min(burst, budget.left + (atMs - budget.atMs) / refillMs);
    this.#budgets.set(agentId, { left: left >= 1 ? left - 1 : left, atMs });
    return left >= 1;
  }
}
