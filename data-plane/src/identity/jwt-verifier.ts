import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type IssuerKeys, KeysUnavailable } from './issuer-keys.ts';
import { isWithdrawn, type JwtIndex, type KeySource, type KeyStanding, type VerifiedJwt } from './jwt-index.ts';

export type JwtResult =
  | { readonly kind: 'verified'; readonly jwt: VerifiedJwt }
  /** `detail` says what is wrong and quotes nothing. */
  | { readonly kind: 'invalid'; readonly detail: string }
  /** The keys of its issuer cannot be had now. */
  | { readonly kind: 'unavailable' };

/** Asymmetric signatures only: with a shared secret whoever can verify can sign, and `none` is no signature. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const maxTokenBytes = 16 * 1024;
const maxKept = 10_000;
/** Verifications under way at once; more wait for no issuer. */
const maxUnderway = 256;
const clockToleranceSeconds = 5;

/**
 * Verifies JWTs (RFC 7519, RFC 8725): signature by the issuer's keys, `exp`, which there must be, and `nbf`. One that was
 * verified is remembered by its hash until it expires, so that an agent's connections cost one verification.
 */
export class JwtVerifier {
  readonly #keys: IssuerKeys;
  readonly #kept = new LRUCache<string, { readonly jwt: VerifiedJwt; readonly tried: ReadonlySet<string> }>({
    max: maxKept,
  });
  #underway = 0;

  constructor(keys: IssuerKeys) {
    this.#keys = keys;
  }

  /** Verifies a JWT by the keys of its issuer, if that is one of the index. Never rejects. */
  verify(token: string, index: JwtIndex, nowMs: number): JwtResult | Promise<JwtResult> {
    if (token.length > maxTokenBytes) return { kind: 'invalid', detail: 'it is too long' };
    const hash = createHash('sha256').update(token).digest('base64');
    const kept = this.#kept.get(hash);
    if (kept && nowMs < kept.jwt.expiresAtMs && !isWithdrawn(kept.jwt)) {
      const wanted = index.sourcesOf(kept.jwt.issuer);
      if (isAllOf(wanted, kept.tried)) {
        for (const source of wanted?.values() ?? []) this.#keys.freshen(source);
        return { kind: 'verified', jwt: kept.jwt };
      }
    }
    const issuer = issuerOf(token);
    const sources = issuer === undefined ? undefined : index.sourcesOf(issuer);
    if (!sources)
      return {
        kind: 'invalid',
        detail: 'it is malformed, not signed by a public key, or of an issuer that no agent has',
      };
    if (this.#underway >= maxUnderway) return { kind: 'unavailable' };
    this.#underway++;
    return this.#verify(token, hash, sources, nowMs).finally(() => this.#underway--);
  }

  async #verify(
    token: string,
    hash: string,
    sources: ReadonlyMap<string, KeySource>,
    nowMs: number,
  ): Promise<JwtResult> {
    const holding = new Map<string, KeyStanding>();
    let payload: JWTPayload | undefined;
    let failure: JwtResult = { kind: 'invalid', detail: 'its signature does not hold' };
    for (const [key, source] of sources) {
      try {
        const verified = await this.#payload(token, source, nowMs);
        payload = verified.payload;
        holding.set(key, this.#keys.standingOf(source, verified.protectedHeader.kid));
      } catch (error) {
        failure = describe(error);
      }
    }
    if (!payload || failure.kind === 'unavailable') return failure;
    const { iss: issuer = '', aud = [], exp = 0 } = payload;
    const audiences = typeof aud === 'string' ? [aud] : aud;
    const jwt = { issuer, audiences, claims: payload, expiresAtMs: exp * 1000, sources: holding };
    if (nowMs < jwt.expiresAtMs) this.#kept.set(hash, { jwt, tried: new Set(sources.keys()) });
    return { kind: 'verified', jwt };
  }

  async #payload(token: string, source: KeySource, nowMs: number): Promise<JWTVerifyResult> {
    return await jwtVerify(token, await this.#keys.keysOf(source), {
      algorithms,
      issuer: source.issuer,
      requiredClaims: ['exp', 'aud'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(nowMs),
    });
  }
}

function isAllOf(sources: ReadonlyMap<string, KeySource> | undefined, tried: ReadonlySet<string>): boolean {
  return sources !== undefined && [...sources.keys()].every((key) => tried.has(key));
}

/** The issuer that a JWT claims; nothing of it is believed yet. Undefined for what is none, or not signed as we accept. */
function issuerOf(token: string): string | undefined {
  try {
    const { alg } = decodeProtectedHeader(token);
    return alg !== undefined && algorithms.includes(alg) ? decodeJwt(token).iss : undefined;
  } catch (error) {
    if (error instanceof TypeError || error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** What the agent is told: which check failed, by the name of the claim at most. */
function describe(error: unknown): JwtResult {
  if (error instanceof KeysUnavailable) return { kind: 'unavailable' };
  if (error instanceof errors.JWTExpired) return { kind: 'invalid', detail: 'it has expired' };
  if (error instanceof errors.JWTClaimValidationFailed)
    return { kind: 'invalid', detail: `its claim ${error.claim} is missing or does not hold` };
  if (error instanceof errors.JWKSNoMatchingKey) return { kind: 'invalid', detail: 'its issuer has no such key' };
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return { kind: 'invalid', detail: 'it names no key, and its issuer has several' };
  return { kind: 'invalid', detail: 'its signature does not hold' };
}
