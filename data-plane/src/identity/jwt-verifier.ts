import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
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
/** An issuer may have many keys, and a JWT that names none costs a verification by each. */
const maxKeysTried = 8;

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
        payload = await this.#payload(token, source, nowMs, (standing) => holding.set(key, standing));
      } catch (error) {
        holding.delete(key);
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

  /** Verifies by the keys that are there, and once more by new ones where its key may have been replaced under its id. */
  async #payload(
    token: string,
    source: KeySource,
    nowMs: number,
    onFound: (standing: KeyStanding) => void,
  ): Promise<JWTPayload> {
    const keys = await this.#keys.keysOf(source, onFound);
    try {
      return await verifyByAny(token, keys, source.issuer, nowMs);
    } catch (error) {
      if (!isSignatureFailure(error) || !(await this.#keys.renew(source))) throw error;
      return await verifyByAny(token, keys, source.issuer, nowMs);
    }
  }
}

/** Verifies by the key that a JWT names; one that names none, by each that is fit for its algorithm. */
async function verifyByAny(token: string, keys: JWTVerifyGetKey, issuer: string, nowMs: number): Promise<JWTPayload> {
  const options = {
    algorithms,
    issuer,
    requiredClaims: ['exp', 'aud'],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(nowMs),
  };
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tries = 0;
    for await (const key of error) {
      if (++tries > maxKeysTried) throw error;
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!isSignatureFailure(failure)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function isSignatureFailure(error: unknown): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed;
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
    return { kind: 'invalid', detail: 'it names no key, and its issuer has too many' };
  return { kind: 'invalid', detail: 'its signature does not hold' };
}
