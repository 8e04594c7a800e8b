import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { OpenConnections } from '../proxy/open-connections.ts';
import { defaultLimits } from '../proxy/testing/default-limits.ts';
import { type LoopbackPair, loopbackPair, until } from '../proxy/testing/loopback-pair.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import { buildJwtVerifier } from './build-jwt-verifier.ts';

const issuer = 'https://issuer.example';
const pairs: LoopbackPair[] = [];
afterEach(() => pairs.splice(0).forEach((pair) => pair.close()));

describe('when an issuer withdraws a key', () => {
  it('every open connection is looked at again, by the configuration in force, though nothing is sent on it', async () => {
    const agent = sampleAgent('bot', { identities: [{ kind: 'jwt', issuer, audience: 'onecli', claims: {} }] });
    const configuration = new Configuration(sampleSnapshot({ agents: [agent] }));
    const connections = new OpenConnections(defaultLimits);
    const pair = await loopbackPair();
    pairs.push(pair);
    const connection = connections.add(pair.near);
    const looked: Configuration[] = [];
    if (connection) connection.holder = { lookAgain: (by) => looked.push(by) };
    let nowMs = Date.UTC(2030, 0, 1);
    const first = await generateKeyPair('ES256', { extractable: true });
    let published = { ...(await exportJWK(first.publicKey)), kid: 'a', alg: 'ES256' };
    const verifier = buildJwtVerifier({
      fetchText: async (url) =>
        JSON.stringify(url.pathname === '/keys' ? { keys: [published] } : { issuer, jwks_uri: `${issuer}/keys` }),
      log: pino({ enabled: false }),
      nowMs: () => nowMs,
      configuration: { current: configuration },
      connections,
    });
    const token = await new SignJWT({ iss: issuer, aud: 'onecli', exp: nowMs / 1000 + 3600 })
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .sign(first.privateKey);
    const { jwts } = configuration.identities;
    expect(await verifier.verify(token, jwts, nowMs)).toMatchObject({ kind: 'verified' });
    published = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'b', alg: 'ES256' };
    nowMs += 11 * 60_000;
    await verifier.verify(token, jwts, nowMs);
    await until(() => looked.length === 1);
    expect(looked).toEqual([configuration]);
    connections.close();
  });
});
