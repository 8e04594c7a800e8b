/** The keys of JWT issuers (RFC 7517): fetched when first needed, again when an unknown key appears, and now and then. */
import type { Logger } from 'pino';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { type KeySource, type KeyStanding, sourceKey } from './jwt-index.ts';

/** Gives the text of a document, or throws. */
export type FetchText = (url: URL, signal: AbortSignal) => Promise<string>;

export interface IssuerKeysOptions {
  readonly fetchText: FetchText;
  readonly log: Logger;
  /** A source does not publish a key any more that somebody goes by. */
  readonly onWithdrawn?: () => void;
  readonly nowMs?: () => number;
}

/** The keys of one issuer could not be had: who comes with its JWT may try again. */
export class KeysUnavailable extends Error {}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

interface Entry {
  /** Undefined while it is not known where the keys are. */
  opening: Promise<KeySet> | undefined;
  fetchedAtMs: number;
  failedAtMs: number;
  /** What its keys are, by their ids; one without has the empty id. */
  published: ReadonlyMap<string, string>;
  /** Of those that somebody goes by. */
  readonly standings: Map<string, KeyStanding>;
}

const timeoutMs = 5000;
/** An unknown key makes us ask again, though not oftener than this: anybody can send a JWT with a key id of his own. */
const cooldownMs = 30_000;
/** After a failure nobody asks for so long. */
const failureCooldownMs = 5000;
/** Keys older than this are fetched anew beside the requests that use them. */
const refreshAfterMs = 10 * 60_000;
/** What could not be fetched anew for so long is not believed any more. */
const staleAfterMs = 24 * 3_600_000;
const maxIssuers = 1000;

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #entries = new LRUCache<string, Entry>({ max: maxIssuers });
  readonly #nowMs: () => number;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /**
   * What finds the key of a JWT. Throws KeysUnavailable when the keys cannot be had now, as does what it gives.
   * @param onFound told how the key that was found stands, before anything is verified by it
   */
  async keysOf(source: KeySource, onFound: (standing: KeyStanding) => void): Promise<JWTVerifyGetKey> {
    const entry = this.#entry(source);
    const keys = await (entry.opening ??= this.#open(source, entry));
    this.#freshen(entry, keys);
    return async (header, token) => {
      try {
        const key = await keys(header, token);
        onFound(this.#standingOf(entry, header.kid));
        return key;
      } catch (error) {
        if (error instanceof errors.JWKSMultipleMatchingKeys) onFound(this.#standingOf(entry, header.kid));
        if (isAboutKey(error)) throw error;
        throw new KeysUnavailable('the keys of the issuer cannot be had', { cause: error });
      }
    };
  }

  /** Fetches the keys anew, beside whoever goes by them, when they are old. */
  freshen(source: KeySource): void {
    const entry = this.#entries.get(sourceKey(source));
    // A failed opening is told to whoever waits for it.
    entry?.opening?.then((keys) => this.#freshen(entry, keys)).catch(() => undefined);
  }

  /**
   * Fetches the keys anew since a signature did not hold: a key may have been replaced under its id. Gives whether it was done,
   * which is not again for a while: anybody can send a signature that does not hold.
   */
  async renew(source: KeySource): Promise<boolean> {
    const entry = this.#entry(source);
    if (this.#nowMs() - entry.fetchedAtMs < cooldownMs) return false;
    try {
      await (await entry.opening)?.reload();
      return true;
    } catch {
      // Logged where it is fetched; the keys that are there go on.
      return false;
    }
  }

  /** How a key stands that was just found. One that is not there any more stands alone. */
  #standingOf(entry: Entry, id = ''): KeyStanding {
    if (!entry.published.has(id)) return { isWithdrawn: true };
    const standing = entry.standings.get(id) ?? { isWithdrawn: false };
    entry.standings.set(id, standing);
    return standing;
  }

  #freshen(entry: Entry, keys: KeySet): void {
    const isOld = entry.fetchedAtMs > 0 && this.#nowMs() - entry.fetchedAtMs > refreshAfterMs;
    // What fails is logged where it is fetched, and the keys that are there go on.
    if (isOld && !keys.reloading) void keys.reload().catch(() => undefined);
  }

  /** What was signed by a key that is not published any more, or is another one of its id, is not believed any more. */
  #publish(entry: Entry, published: ReadonlyMap<string, string>): void {
    const before = entry.published;
    entry.published = published;
    let isAnyWithdrawn = false;
    for (const [id, standing] of entry.standings) {
      if (published.get(id) === before.get(id)) continue;
      standing.isWithdrawn = true;
      entry.standings.delete(id);
      isAnyWithdrawn = true;
    }
    if (isAnyWithdrawn) this.#options.onWithdrawn?.();
  }

  #entry(source: KeySource): Entry {
    const key = sourceKey(source);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        opening: undefined,
        fetchedAtMs: 0,
        failedAtMs: Number.NEGATIVE_INFINITY,
        published: new Map(),
        standings: new Map(),
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  async #open(source: KeySource, entry: Entry): Promise<KeySet> {
    try {
      const uri = source.jwksUri ?? (await this.#discover(source, entry));
      return createRemoteJWKSet(new URL(uri), {
        timeoutDuration: timeoutMs,
        cooldownDuration: cooldownMs,
        cacheMaxAge: staleAfterMs,
        [customFetch]: async (url, { signal }) => {
          const text = await this.#fetch(source, entry, new URL(url), signal);
          entry.fetchedAtMs = this.#nowMs();
          this.#publish(entry, publishedKeys(text));
          return new Response(text);
        },
      });
    } catch (error) {
      entry.opening = undefined;
      throw new KeysUnavailable('the configuration of the issuer cannot be had', { cause: error });
    }
  }

  /** OpenID Connect Discovery 1.0 section 4: the document must be the issuer's own. */
  async #discover(source: KeySource, entry: Entry): Promise<string> {
    const url = new URL(`${source.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const text = await this.#fetch(source, entry, url, AbortSignal.timeout(timeoutMs));
    const document = JSON.parse(text) as { issuer?: unknown; jwks_uri?: unknown } | null;
    if (document?.issuer !== source.issuer) throw new Error('the OpenID configuration is of another issuer');
    if (typeof document.jwks_uri !== 'string') throw new Error('the OpenID configuration names no jwks_uri');
    return document.jwks_uri;
  }

  async #fetch(source: KeySource, entry: Entry, url: URL, signal: AbortSignal): Promise<string> {
    if (this.#nowMs() - entry.failedAtMs < failureCooldownMs)
      throw new KeysUnavailable('they could not be had just now');
    try {
      return await this.#options.fetchText(url, signal);
    } catch (error) {
      entry.failedAtMs = this.#nowMs();
      this.#options.log.warn({ err: error, issuer: source.issuer }, 'the keys of a JWT issuer cannot be fetched');
      throw error;
    }
  }
}

/** The keys are there, and the JWT's is not among them, or not fit. */
function isAboutKey(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return (
    code === 'ERR_JWKS_NO_MATCHING_KEY' ||
    code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS' ||
    code === 'ERR_JOSE_NOT_SUPPORTED'
  );
}

/**
 * The keys of a JWKS by their ids, each as its text. The empty id stands for all of them: a JWT that names none goes by any.
 * Throws for what is no JWKS.
 */
function publishedKeys(text: string): ReadonlyMap<string, string> {
  const published = new Map<string, string>();
  const { keys } = JSON.parse(text) as { readonly keys: readonly { readonly kid?: string }[] };
  for (const key of keys) {
    const own = JSON.stringify(Object.entries(key).sort(([one], [other]) => (one < other ? -1 : 1)));
    const id = key.kid ?? '';
    published.set(id, `${published.get(id) ?? ''}${own}`);
    if (id !== '') published.set('', `${published.get('') ?? ''}${own}`);
  }
  return published;
}
