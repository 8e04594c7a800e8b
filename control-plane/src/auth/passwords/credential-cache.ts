import { createHmac, randomBytes } from 'node:crypto';

interface Entry<T> {
  readonly result: Promise<T>;
  readonly expiresAtMs: number;
}

/**
 * Remembers for a short time what a credential was found to be, so that a script does not pay for a slow hash with each call,
 * and two calls at once pay once. The key is a digest under a key of this process: the credential itself is not kept. What
 * failed is not remembered.
 */
export class CredentialCache<T> {
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, Entry<T>>();
  readonly #lifetimeMs: number;
  readonly #maxEntries: number;
  readonly #now: () => number;

  constructor(lifetimeMs: number, maxEntries = 256, now: () => number = () => performance.now()) {
    this.#lifetimeMs = lifetimeMs;
    this.#maxEntries = maxEntries;
    this.#now = now;
  }

  /** The remembered result for a credential, or that of `verify`, which is called once for all who ask meanwhile. */
  get(credential: string, verify: () => Promise<T>): Promise<T> {
    const digest = createHmac('sha256', this.#key).update(credential).digest('base64url');
    const known = this.#entries.get(digest);
    if (known !== undefined && known.expiresAtMs > this.#now()) return known.result;
    const result = verify();
    this.#entries.delete(digest);
    this.#entries.set(digest, { result, expiresAtMs: this.#now() + this.#lifetimeMs });
    this.#dropOldest();
    result.catch(() => {
      if (this.#entries.get(digest)?.result === result) this.#entries.delete(digest);
    });
    return result;
  }

  /** Forgets everything: after a change of password. */
  clear(): void {
    this.#entries.clear();
  }

  #dropOldest(): void {
    for (const digest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries) return;
      this.#entries.delete(digest);
    }
  }
}
