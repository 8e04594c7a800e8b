import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { TestAuthority } from './test-authority.ts';

/** What a JWT says beside its issuer. Times in seconds from now. */
export interface JwtContent {
  audience?: string;
  expiresIn?: number;
  claims?: Record<string, unknown>;
  kid?: string;
  issuer?: string;
}

/** An OpenID provider as far as its keys go: discovery and JWKS over HTTPS, and a pen to sign with. */
export interface JwtIssuer {
  readonly host: string;
  readonly issuer: string;
  readonly port: number;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  publicKey: JWK;
  sign(content?: JwtContent): Promise<string>;
  /** Makes another key, whose id is new; the one before is no longer published. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an issuer with a certificate of the given authority. It signs with ES256. */
export async function startJwtIssuer(authority: TestAuthority, host = 'issuer.example'): Promise<JwtIssuer> {
  const { key, cert } = authority.issue([host]);
  const issuer = `https://${host}`;
  const asked: string[] = [];
  let pair: { publicKey: CryptoKey; privateKey: CryptoKey };
  let kid = 0;
  const server = createServer({ key, cert }, (request, response) => {
    asked.push(request.url ?? '');
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
      '/keys': { keys: [made.publicKey] },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: JwtIssuer = {
    host,
    issuer,
    port: (server.address() as AddressInfo).port,
    asked,
    publicKey: {},
    sign: ({ audience = 'onecli', expiresIn = 300, claims = {}, kid: named = String(kid), issuer: by = issuer } = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: named })
        .setIssuer(by)
        .setAudience(audience)
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
        .sign(pair.privateKey),
    rotate: async () => {
      pair = await generateKeyPair('ES256', { extractable: true });
      kid += 1;
      made.publicKey = { ...(await exportJWK(pair.publicKey)), kid: String(kid), alg: 'ES256', use: 'sig' };
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  await made.rotate();
  return made;
}
