/**
 * Server contexts for intercepted hosts, minted on first use. All leaves of a worker share one key pair, made when the
 * worker starts and never stored: it is no wider a trust than the authority's own key, which the worker also holds, and
 * minting a leaf then costs one signature instead of a key generation as well.
 */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { DAY_MS, mayIssueFor, type SigningAuthority } from '@onecli/shared/certificates/authority';
import { createLeafKeyPair, issueLeaf, type LeafKeyPair } from '@onecli/shared/certificates/issue-leaf';
import { LRUCache } from 'lru-cache';
import type { SharedTicketKeys } from './ticket-keys.ts';

export interface LeafCacheOptions {
  /** Hosts kept at once; the least recently used is dropped. A context takes about 25 KB. */
  readonly maxLeaves: number;
  /** What seals session tickets. Workers that share it resume each other's sessions. */
  readonly ticketKeys: Pick<SharedTicketKeys, 'at'>;
  readonly leafValidDays?: number;
  /** A leaf is minted anew when less than this is left of it. */
  readonly renewBeforeMs?: number;
  readonly now?: () => Date;
  /** Hosts that the cache before this one had: their leaves are minted anew, and are news to nobody. */
  readonly knownHosts?: readonly string[];
  /** For contexts that ask clients for a certificate: by whom it may be, PEM, one each. */
  readonly clients?: { readonly roots: readonly string[] };
}

interface CachedLeaf {
  readonly secureContext: SecureContext;
  readonly renewAtMs: number;
}

/** Without a certificate store: agents' certificates are not asked for, and the root store is the upstream's affair. */
const NO_ROOTS: string[] = [];
/** ECDSA suites only, for the leaves have no other key; forward secrecy and AEAD throughout (RFC 9325 section 4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':');

/**
 * A resumed session brings its client certificate along unchecked, although its authority may be trusted no more: such
 * sessions are not resumed. OpenSSL wants the context's id all the same.
 */
const unresumed = {
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  sessionIdContext: 'onecli-proxy-port',
};

/** A bounded cache of server contexts, one for each canonical host name or IP literal. */
export class LeafCache {
  readonly #authority: SigningAuthority;
  readonly #keyPair: LeafKeyPair = createLeafKeyPair();
  readonly #leaves: LRUCache<string, CachedLeaf>;
  readonly #ticketKeys: Pick<SharedTicketKeys, 'at'>;
  readonly #leafValidDays: number;
  readonly #renewBeforeMs: number;
  readonly #now: () => Date;
  readonly #clients: LeafCacheOptions['clients'];
  readonly #knownHosts: Set<string>;

  constructor(authority: SigningAuthority, options: LeafCacheOptions) {
    this.#authority = authority;
    this.#leaves = new LRUCache({ max: options.maxLeaves });
    this.#ticketKeys = options.ticketKeys;
    this.#leafValidDays = options.leafValidDays ?? 14;
    this.#renewBeforeMs = options.renewBeforeMs ?? DAY_MS;
    this.#now = options.now ?? (() => new Date());
    this.#clients = options.clients;
    this.#knownHosts = new Set(options.knownHosts);
  }

  get size(): number {
    return this.#leaves.size;
  }

  /** The hosts whose contexts are there. */
  hosts(): string[] {
    return [...this.#leaves.keys()];
  }

  /** Whether the authority may issue for `host`. */
  permits(host: string): boolean {
    return mayIssueFor(this.#authority, host);
  }

  /** Whether a context for `host` is there, be it out of date, or was when another authority signed: one more is no new host. */
  knows(host: string): boolean {
    return this.#leaves.has(host) || this.#knownHosts.has(host);
  }

  /** Whether the context for `host` is there, and need not be minted. */
  has(host: string): boolean {
    const cached = this.#leaves.peek(host);
    return cached !== undefined && this.#now().getTime() < cached.renewAtMs;
  }

  /**
   * The context for `host`, from the cache or minted now. Minting is synchronous (about 1 ms), so a host is never minted
   * twice at once. Throws RangeError when the host is not canonical or the authority has expired.
   */
  secureContextFor(host: string): SecureContext {
    const nowMs = this.#now().getTime();
    const cached = this.#leaves.get(host);
    if (cached && nowMs < cached.renewAtMs) return cached.secureContext;
    const minted = this.#mint(host);
    this.#leaves.set(host, minted);
    this.#knownHosts.delete(host);
    return minted.secureContext;
  }

  #mint(host: string): CachedLeaf {
    const now = this.#now();
    const tickets = this.#ticketKeys.at(now.getTime());
    const leaf = issueLeaf(this.#authority, host, {
      validDays: this.#leafValidDays,
      keyPair: this.#keyPair,
      now,
    });
    const secureContext = createSecureContext({
      cert: leaf.certificatePem + this.#authority.chainPem,
      key: leaf.privateKeyPem,
      ca: this.#clients ? [...this.#clients.roots] : NO_ROOTS,
      ciphers: CIPHERS,
      honorCipherOrder: true,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ...(this.#clients ? unresumed : { secureOptions: constants.SSL_OP_NO_RENEGOTIATION }),
      ticketKeys: tickets.keys,
    });
    return { secureContext, renewAtMs: Math.min(leaf.notAfter.getTime() - this.#renewBeforeMs, tickets.untilMs) };
  }
}
