/**
 * Resolves names and lets no address through that the guard refuses. What it gives is what must be dialled: resolving
 * again at dial time would let the answer change in between.
 */
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { AddressGuard, RefusalReason } from './address-guard.ts';
import type { ConnectTo } from './connect-to.ts';
import { type FoundAddress, NameLookup } from './look-up-name.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolution =
  /** In the order in which they are to be tried; `port` differs from the one asked for when the target is mapped. */
  | { readonly kind: 'addresses'; readonly addresses: readonly ResolvedAddress[]; readonly port: number }
  | { readonly kind: 'refused'; readonly address: string; readonly reason: RefusalReason }
  /** `code` is the system's (ENOTFOUND, EAI_AGAIN), ETIMEDOUT, or ABORTED by the caller's signal. */
  | { readonly kind: 'failed'; readonly code: string };

export interface CheckedResolverOptions {
  readonly guard: AddressGuard;
  readonly connectTo?: ConnectTo;
  /** How long an answer holds that does not say so itself. One that does is believed from 1 to 300 seconds. */
  readonly ttlMs?: number;
  /** How long it holds that there is no such name. */
  readonly absenceTtlMs?: number;
  /** How long any other failure holds. */
  readonly failureTtlMs?: number;
  /** How long a caller waits; a lookup cannot be cancelled and its late answer is kept. */
  readonly timeoutMs?: number;
  /** Lookups of different names under way at once. Beyond them: failed with EAI_AGAIN. */
  readonly maxUnderway?: number;
  readonly maxEntries?: number;
  /** Gives all addresses of a name, or throws an error with a code. */
  readonly lookupAll?: (host: string) => Promise<readonly FoundAddress[]>;
  readonly nowMs?: () => number;
}

/** A name server may say anything: an answer is kept for a while, and not for ever. */
const ttlBoundsMs = { least: 1_000, most: 300_000 };

type Answer =
  | { readonly kind: 'answered'; readonly addresses: readonly ResolvedAddress[]; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly code: string };

export class CheckedResolver {
  readonly #guard: AddressGuard;
  readonly #connectTo: ConnectTo | undefined;
  readonly #answers: LRUCache<string, Answer>;
  readonly #underway = new Map<string, Promise<Answer>>();
  readonly #ttlMs: number;
  readonly #absenceTtlMs: number;
  readonly #failureTtlMs: number;
  readonly #timeoutMs: number;
  readonly #maxUnderway: number;
  readonly #lookupAll: (host: string) => Promise<readonly FoundAddress[]>;

  constructor(options: CheckedResolverOptions) {
    this.#guard = options.guard;
    this.#connectTo = options.connectTo;
    this.#ttlMs = options.ttlMs ?? 10_000;
    this.#absenceTtlMs = options.absenceTtlMs ?? 5_000;
    this.#failureTtlMs = options.failureTtlMs ?? 1_000;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#maxUnderway = options.maxUnderway ?? 256;
    const names = new NameLookup();
    this.#lookupAll = options.lookupAll ?? ((host) => names.all(host));
    const nowMs = options.nowMs ?? (() => performance.now());
    this.#answers = new LRUCache({ max: options.maxEntries ?? 10_000, perf: { now: nowMs }, ttlResolution: 0 });
  }

  /**
   * The addresses to dial for `host` (a canonical name, or an IP literal without brackets) at `port`. One refused address
   * refuses them all, so that a name cannot mix a public one in. Never rejects; `signal` ends only this caller's wait.
   */
  async resolve(host: string, port: number, signal?: AbortSignal): Promise<Resolution> {
    const target = this.#connectTo?.endpointFor(host, port) ?? { host, port };
    const family = isIP(target.host);
    if (family !== 0) return this.#check([{ address: target.host, family: family === 4 ? 4 : 6 }], target.port);
    const answer = this.#answers.get(target.host) ?? (await settled(this.#ask(target.host), this.#timeoutMs, signal));
    return answer.kind === 'answered' ? this.#check(answer.addresses, target.port) : answer;
  }

  #check(addresses: readonly ResolvedAddress[], port: number): Resolution {
    for (const { address } of addresses) {
      const verdict = this.#guard.verdict(address, port);
      if (verdict.kind === 'refused') return { kind: 'refused', address, reason: verdict.reason };
    }
    return { kind: 'addresses', addresses, port };
  }

  #ask(host: string): Promise<Answer> {
    const underway = this.#underway.get(host);
    if (underway) return underway;
    if (this.#underway.size >= this.#maxUnderway) return Promise.resolve({ kind: 'failed', code: 'EAI_AGAIN' });
    const asked = this.#lookup(host).finally(() => this.#underway.delete(host));
    this.#underway.set(host, asked);
    return asked;
  }

  async #lookup(host: string): Promise<Answer> {
    const answer = await this.#answer(host);
    this.#answers.set(host, answer, { ttl: this.#holdsMs(answer) });
    return answer;
  }

  #holdsMs(answer: Answer): number {
    if (answer.kind === 'answered') return answer.ttlMs;
    return answer.code === 'ENOTFOUND' ? this.#absenceTtlMs : this.#failureTtlMs;
  }

  async #answer(host: string): Promise<Answer> {
    try {
      const found = await this.#lookupAll(host);
      if (found.length === 0) return { kind: 'failed', code: 'ENOTFOUND' };
      const addresses = found.map(({ address, family }) => ({
        address,
        family: family === 6 ? (6 as const) : (4 as const),
      }));
      const shortestMs = Math.min(...found.map(({ ttlSeconds }) => (ttlSeconds ?? Number.POSITIVE_INFINITY) * 1000));
      const ttlMs = Number.isFinite(shortestMs) ? within(shortestMs) : this.#ttlMs;
      return { kind: 'answered', addresses, ttlMs };
    } catch (error) {
      return { kind: 'failed', code: (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND' };
    }
  }
}

function within(ttlMs: number): number {
  return Math.min(ttlBoundsMs.most, Math.max(ttlBoundsMs.least, ttlMs));
}

/** `answer`, or the failure that ends the wait for it first. */
function settled(answer: Promise<Answer>, timeoutMs: number, signal: AbortSignal | undefined): Promise<Answer> {
  if (signal?.aborted) return Promise.resolve({ kind: 'failed', code: 'ABORTED' });
  return new Promise((resolve, reject) => {
    const settle = (result: Answer): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = (): void => settle({ kind: 'failed', code: 'ABORTED' });
    const timer = setTimeout(() => settle({ kind: 'failed', code: 'ETIMEDOUT' }), timeoutMs);
    signal?.addEventListener('abort', onAbort);
    answer.then(settle, reject);
  });
}
