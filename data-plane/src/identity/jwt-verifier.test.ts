import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../proxy/testing/loopback-pair.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import { confirmIdentity, identify } from './identify.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { JwtIndex } from './jwt-index.ts';
import { type JwtResult, JwtVerifier } from './jwt-verifier.ts';

const issuer = 'https://issuer.example';
const startMs = Date.UTC(2030, 0, 1);

/** An issuer whose documents are in memory; its keys and signatures are real. */
class Issuer {
  readonly fetched: string[] = [];
  readonly keys: JWK[] = [];
  isAway = false;
  /** How often somebody was told that a key is gone. */
  withdrawals = 0;
  documents: (path: string) => unknown = (path) =>
    path === '/keys' ? { keys: this.keys } : { issuer, jwks_uri: `${issuer}/keys` };
  nowMs = startMs;
  readonly verifier: JwtVerifier;
  readonly index = new JwtIndex();
  #key: CryptoKey | Uint8Array | undefined;
  #kid = '';

  constructor() {
    const fetchText = async (url: URL): Promise<string> => {
      this.fetched.push(url.pathname);
      if (this.isAway) throw new Error('away');
      return JSON.stringify(await this.documents(url.pathname));
    };
    const nowMs = (): number => this.nowMs;
    const onWithdrawn = (): void => void this.withdrawals++;
    const log = pino({ enabled: false });
    this.verifier = new JwtVerifier(new IssuerKeys({ fetchText, log, nowMs, onWithdrawn }));
  }

  /** Publishes another key, in place of those before unless they are kept. */
  async newKey(kid: string, alg = 'ES256'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    this.keys.splice(0, this.keys.length, { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
    [this.#key, this.#kid] = [privateKey, kid];
  }

  /** What it publishes stays: a forger signs by the public key as if that were a shared secret. */
  useSecret(secret: Uint8Array): void {
    this.#key = secret;
  }

  sign(claims: JWTPayload = {}, alg = 'ES256', kid: string | null = this.#kid): Promise<string> {
    if (!this.#key) throw new Error('there is no key');
    const content = { iss: issuer, aud: 'onecli', exp: this.nowMs / 1000 + 300, ...claims };
    return new SignJWT(content).setProtectedHeader({ alg, ...(kid !== null && { kid }) }).sign(this.#key);
  }

  async verify(token: string): Promise<JwtResult> {
    return this.verifier.verify(token, this.index, this.nowMs);
  }

  async nameOf(token: string): Promise<string | undefined> {
    const result = await this.verify(token);
    if (result.kind !== 'verified') return 'detail' in result ? result.detail : result.kind;
    return [...this.index.agentsOf(result.jwt)]
      .map(({ name }) => name)
      .sort()
      .join();
  }
}

let by: Issuer;
beforeEach(async () => {
  by = new Issuer();
  const jwt = { kind: 'jwt' as const, issuer, audience: 'onecli' };
  by.index.add(sampleAgent('ci'), { ...jwt, claims: { sub: 'ci' } });
  by.index.add(sampleAgent('deploy'), { ...jwt, claims: { sub: 'x', ref: 'main' } });
  by.index.add(sampleAgent('team'), { ...jwt, claims: { groups: 'ops' } });
  by.index.add(sampleAgent('other'), { ...jwt, audience: 'other', claims: {} });
  await by.newKey('1');
});

describe('JwtVerifier', () => {
  it('finds the agent whose claims a JWT has, in whatever order and beside others', async () => {
    expect(await by.nameOf(await by.sign({ sub: 'ci', more: 1 }))).toBe('ci');
    expect(await by.nameOf(await by.sign({ ref: 'main', sub: 'x' }))).toBe('deploy');
    expect(await by.nameOf(await by.sign({ groups: ['dev', 'ops'] }))).toBe('team');
    expect(await by.nameOf(await by.sign({ sub: 'ci', aud: ['a', 'onecli'] }))).toBe('ci');
    expect(await by.nameOf(await by.sign({ aud: 'other' }))).toBe('other');
  });

  it('finds every agent that it fits, so that two are a conflict', async () => {
    expect(await by.nameOf(await by.sign({ sub: 'ci', groups: ['ops'] }))).toBe('ci,team');
    expect(await by.nameOf(await by.sign({ sub: 'ci', aud: ['onecli', 'other'] }))).toBe('ci,other');
  });

  it('finds nobody for a claim that is missing, another, a number, or the prototype’s', async () => {
    for (const claims of [{}, { sub: 'CI' }, { sub: 1 }, { sub: ['x'] }, { ref: 'main' }, { groups: { ops: true } }])
      expect(await by.nameOf(await by.sign(claims as JWTPayload))).toBe('');
    by.index.add(sampleAgent('odd'), { kind: 'jwt', issuer, audience: 'onecli', claims: { constructor: 'x' } });
    expect(await by.nameOf(await by.sign({}))).toBe('');
  });

  it.each(['RS256', 'PS256', 'ES384', 'EdDSA'])('takes a signature by %s', async (alg) => {
    await by.newKey('2', alg);
    expect(await by.nameOf(await by.sign({ sub: 'ci' }, alg))).toBe('ci');
  });

  it('verifies one JWT once, until it expires', async () => {
    const token = await by.sign({ sub: 'ci' });
    expect(await by.nameOf(token)).toBe('ci');
    const kept = by.verifier.verify(token, by.index, by.nowMs);
    expect(kept).not.toBeInstanceOf(Promise);
    expect(by.fetched).toEqual(['/.well-known/openid-configuration', '/keys']);
    by.nowMs += 306_000;
    expect(await by.nameOf(token)).toBe('it has expired');
  });

  it.each([
    ['an issuer that no agent has', { iss: 'https://another.example' }, 'an issuer that no agent has'],
    ['an expired one', { exp: startMs / 1000 - 10 }, 'expired'],
    ['one for later', { nbf: startMs / 1000 + 60 }, 'nbf'],
    ['one that never expires', { exp: undefined }, 'exp'],
    ['one for nobody', { aud: undefined }, 'aud'],
  ])('refuses %s', async (_name, claims, detail) => {
    expect(await by.nameOf(await by.sign({ sub: 'ci', ...claims } as JWTPayload))).toContain(detail);
  });

  it.each([
    ['none', () => new UnsecuredJWT({ iss: issuer, aud: 'onecli', sub: 'ci', exp: startMs / 1000 + 300 }).encode()],
    ['HS256', () => by.sign({ sub: 'ci' }, 'HS256')],
    ['HS512', () => by.sign({ sub: 'ci' }, 'HS512')],
  ])('does not even ask for keys when the algorithm is %s', async (alg, sign) => {
    if (alg !== 'none') by.useSecret(Buffer.from(JSON.stringify(by.keys[0])));
    expect(await by.verify(await sign())).toMatchObject({ kind: 'invalid' });
    expect(by.fetched).toEqual([]);
  });

  it('refuses no signature, a shared secret, another’s key under our key’s id, and a changed content', async () => {
    const content = { iss: issuer, aud: 'onecli', sub: 'ci', exp: startMs / 1000 + 300 };
    const none = new UnsecuredJWT(content).encode();
    const hmac = new SignJWT(content).setProtectedHeader({ alg: 'HS256', kid: '1' });
    const other = await generateKeyPair('ES256');
    const forged = new SignJWT(content).setProtectedHeader({ alg: 'ES256', kid: '1' });
    const [head, , signature] = (await by.sign({ sub: 'x' })).split('.');
    const changed = [head, Buffer.from(JSON.stringify(content)).toString('base64url'), signature].join('.');
    const tokens = [
      none,
      `${none}AAAA`,
      await hmac.sign(Buffer.from(JSON.stringify(by.keys[0]))),
      await forged.sign(other.privateKey),
      changed,
      '',
      'a.b.c',
      '....',
      `${'A'.repeat(20_000)}.b.c`,
    ];
    for (const token of tokens) expect(await by.verify(token)).toMatchObject({ kind: 'invalid' });
  });

  it('does not take an embedded key, or one by URL, for the issuer’s', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const content = { iss: issuer, aud: 'onecli', sub: 'ci', exp: startMs / 1000 + 300 };
    const jwk = await exportJWK(publicKey);
    const token = await new SignJWT(content)
      .setProtectedHeader({ alg: 'ES256', jwk, jku: 'https://evil.example/keys' } as { alg: string })
      .sign(privateKey);
    expect(await by.verify(token)).toMatchObject({ kind: 'invalid' });
    expect(by.fetched.join()).not.toContain('evil');
  });
});

describe('IssuerKeys', () => {
  it('does not ask for an unknown key again and again', async () => {
    expect(await by.nameOf(await by.sign({ sub: 'ci' }))).toBe('ci');
    for (let round = 0; round < 5; round++)
      expect(await by.nameOf(await by.sign({ sub: 'ci', round }, 'ES256', `unknown-${round}`))).toContain(
        'no such key',
      );
    expect(by.fetched.filter((path) => path === '/keys')).toHaveLength(1);
  });

  it('asks again, once in a while, when a signature does not hold: its key may have been replaced under its id', async () => {
    await by.newKey('same');
    const old = await by.sign({ sub: 'ci' });
    expect(await by.nameOf(old)).toBe('ci');
    await by.newKey('same');
    const fresh = await by.sign({ sub: 'ci', round: 1 });
    const fetches = (): number => by.fetched.filter((path) => path === '/keys').length;
    expect([await by.nameOf(fresh), fetches()]).toEqual(['its signature does not hold', 1]);
    by.nowMs += 31_000;
    expect([await by.nameOf(fresh), fetches(), by.withdrawals]).toEqual(['ci', 2, 1]);
    for (let round = 0; round < 5; round++) expect(await by.nameOf(old)).toBe('its signature does not hold');
    expect(fetches()).toBe(2);
  });

  it('tries each key that is fit when a JWT names none, and not very many', async () => {
    await by.newKey('1');
    const token = await by.sign({ sub: 'ci' }, 'ES256', null);
    const [own] = by.keys;
    if (!own) throw new Error('no key');
    const other = async (id: string): Promise<JWK> => ({
      ...(await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)),
      kid: id,
      alg: 'ES256',
    });
    by.keys.splice(0, by.keys.length, await other('a'), await other('b'), own);
    expect(await by.nameOf(token)).toBe('ci');
    by = new Issuer();
    by.index.add(sampleAgent('ci'), { kind: 'jwt', issuer, audience: 'onecli', claims: { sub: 'ci' } });
    await by.newKey('z');
    const late = await by.sign({ sub: 'ci' }, 'ES256', null);
    const last = by.keys.splice(0);
    for (let id = 0; id < 8; id++) by.keys.push(await other(`k${id}`));
    by.keys.push(...last);
    expect(await by.nameOf(late)).toContain('too many');
  });

  it('says that it cannot tell while the issuer is away, and asks it seldom', async () => {
    by.isAway = true;
    const token = await by.sign({ sub: 'ci' });
    for (let round = 0; round < 5; round++) expect(await by.verify(token)).toEqual({ kind: 'unavailable' });
    expect(by.fetched).toHaveLength(1);
    by.isAway = false;
    by.nowMs += 5_000;
    expect(await by.nameOf(token)).toBe('ci');
  });

  it('goes on with the keys that are there while the issuer is away', async () => {
    expect(await by.nameOf(await by.sign({ sub: 'ci' }))).toBe('ci');
    by.isAway = true;
    by.nowMs += 3_600_000;
    expect(await by.nameOf(await by.sign({ sub: 'ci' }))).toBe('ci');
    expect(by.fetched.filter((path) => path === '/keys')).toHaveLength(2);
  });

  it('fetches keys anew beside the requests, once they are old', async () => {
    expect(await by.nameOf(await by.sign({ sub: 'ci' }))).toBe('ci');
    await by.newKey('2');
    by.nowMs += 11 * 60_000;
    await by.verify(await by.sign({ sub: 'ci' }));
    await expect.poll(() => by.sign({ sub: 'ci' }).then((token) => by.nameOf(token))).toBe('ci');
  });

  it.each([
    ['the configuration of another issuer', { issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` }],
    ['a configuration without keys', { issuer }],
    ['keys at no URL', { issuer, jwks_uri: 'nowhere' }],
    ['no object', null],
  ])('does not believe %s', async (_name, document) => {
    by.documents = (path) => (path === '/keys' ? { keys: by.keys } : document);
    expect(await by.verify(await by.sign({ sub: 'ci' }))).toEqual({ kind: 'unavailable' });
  });

  it('asks where it was told to, and takes keys of one place for its own agents only', async () => {
    const jwksUri = `${issuer}/special`;
    by.index.add(sampleAgent('special'), { kind: 'jwt', issuer, audience: 'onecli', claims: { sub: 's' }, jwksUri });
    const special = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(special.publicKey)), kid: 's', alg: 'ES256' };
    const documents = by.documents;
    by.documents = (path) => (path === '/special' ? { keys: [key] } : documents(path));
    const content = { iss: issuer, aud: 'onecli', exp: startMs / 1000 + 300 };
    const sign = (sub: string) =>
      new SignJWT({ ...content, sub }).setProtectedHeader({ alg: 'ES256', kid: 's' }).sign(special.privateKey);
    expect(await by.nameOf(await sign('s'))).toBe('special');
    expect(await by.nameOf(await sign('ci'))).toBe('');
    expect(await by.nameOf(await by.sign({ sub: 's' }))).toBe('');
  });
});

describe('a key that its issuer does not publish any more', () => {
  const config = { issuer, audience: 'onecli', claims: { sub: 'x' }, jwksUri: `${issuer}/keys` };
  const peer = { source: undefined, certificate: undefined };

  /** A tunnel of an agent that came in with a JWT by the first key; the JWT stays good for an hour. */
  async function openedBy(by: Issuer) {
    const agent = sampleAgent('bot', { identities: [{ kind: 'jwt', ...config }] });
    const configuration = new Configuration(sampleSnapshot({ agents: [agent] }));
    await by.newKey('first');
    const token = await by.sign({ sub: 'x', exp: by.nowMs / 1000 + 3600 });
    const recognition = { tokenPepper: Buffer.alloc(32), jwts: by.verifier };
    const headers = [{ name: 'proxy-authorization', rawName: 'Proxy-Authorization', value: `Bearer ${token}` }];
    const come = async () => await identify(recognition, peer, headers, configuration, by.nowMs);
    const identity = await come();
    if (identity.kind === 'refused') throw new Error(identity.message);
    return { come, confirmed: () => confirmIdentity(identity, configuration, by.nowMs).kind };
  }

  const old = 11 * 60_000;

  it('ends what its JWTs have opened, and lets none of them in again, once the keys were fetched anew', async () => {
    const by = new Issuer();
    const { come, confirmed } = await openedBy(by);
    const [first] = by.keys;
    await by.newKey('second');
    expect([confirmed(), (await come()).kind, by.withdrawals]).toEqual(['identity', 'identity', 0]);
    by.nowMs += old;
    await come();
    await until(() => by.fetched.length === 2 && by.withdrawals === 1);
    expect(confirmed()).toBe('refused');
    expect(await come()).toMatchObject({ kind: 'refused', code: 'PROXY_AUTH_INVALID' });
    if (first) by.keys.push(first);
    by.nowMs += old;
    await come();
    await until(() => by.fetched.length === 3);
    expect((await come()).kind).toBe('identity');
  });

  it('ends nothing that another key has opened', async () => {
    const by = new Issuer();
    const { come, confirmed } = await openedBy(by);
    const [first] = by.keys;
    await by.newKey('second');
    if (first) by.keys.push(first);
    by.nowMs += old;
    await come();
    await until(() => by.fetched.length === 2);
    expect([confirmed(), (await come()).kind, by.withdrawals]).toEqual(['identity', 'identity', 0]);
  });

  it('is withdrawn too when another key has its id now', async () => {
    const by = new Issuer();
    const { come, confirmed } = await openedBy(by);
    await by.newKey('first');
    by.nowMs += old;
    await come();
    await until(() => by.withdrawals === 1);
    expect(confirmed()).toBe('refused');
  });
});
