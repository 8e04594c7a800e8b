import { describe, expect, it } from 'vitest';
import { hideCredentials, hideInText } from './hide-credentials.ts';

describe('hideCredentials', () => {
  it.each([
    'password',
    'adminPassword',
    'admin_password',
    'value',
    'newValue',
    'token',
    'agentToken',
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'masterKey',
    'master_key',
    'apiKey',
    'api_key',
    'privateKey',
    'clientSecret',
    'client_secret',
    'secret',
    'databaseUrl',
    'connectionString',
    'sealedBody',
    'body',
    'headers',
    'passphrase',
    'credentials',
    'pepper',
    'key',
  ])('hides a field that is named %s, at every depth', (name) => {
    for (const value of [{ [name]: 'canary' }, { a: [{ b: { [name]: { c: 'canary' } } }] }, { [name]: ['canary'] }])
      expect(JSON.stringify(hideCredentials(value))).not.toContain('canary');
  });

  it('shows what is named otherwise, and numbers and flags', () => {
    const fields = {
      requestId: 'a-b',
      route: '/api/secrets/{name}',
      secrets: ['prod/a@1'],
      revision: 7,
      tokens: 3,
      host: 'api.example.com',
      isSecret: true,
    };
    expect(hideCredentials(fields)).toEqual(fields);
  });

  it('hides bytes, and what lies too deep to be looked through', () => {
    let deep: unknown = 'canary';
    for (let level = 0; level < 10; level++) deep = { level: deep };
    expect(
      JSON.stringify(
        hideCredentials({
          bytes: Buffer.from('canary'),
          view: new Uint8Array(4),
          deep,
          map: new Map([['a', 'canary']]),
        }),
      ),
    ).not.toContain('canary');
  });
});

describe('hideInText', () => {
  it.each([
    'connect to postgres://onecli:canary-1234@db.example:5432/onecli failed',
    'Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==',
    'got Bearer canary-0123456789abcdef',
    'token oat_canary0123456789012345678901234567890123456789',
    'key sk-canary0123456789abcdef',
    'eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.canarycanarycanary',
    `master ${'ca'.repeat(32)}`,
    '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----',
    '-----BEGIN EC PRIVATE KEY-----\ncanary that is cut',
    'ONECLI_ADMIN_PASSWORD=canary-pass',
    '{"password": canary}',
  ])('hides the credential in: %s', (text) => {
    expect(hideInText(text)).not.toMatch(/canary|Y2FuYXJ5|cacacaca/);
    expect(hideInText(text)).toContain('[hidden]');
  });

  it.each(['a.', 'eyJ-', 'eyJaaaaaaaa.', 'a://', 'token ', 'Bearer ', '-----BEGIN A PRIVATE KEY-----'])(
    'is through a long text of somebody’s choosing before the test is over: %s',
    (piece) => expect(hideInText(piece.repeat(1_000_000 / piece.length))).not.toBe(''),
  );

  it('leaves other text as it is', () => {
    const text = 'PUT /api/secrets/prod%2Fopenai answered 200 in 12 ms, request 0b5437ba-9e5c-4b4f-8d39-6f6f0b3c5a11';
    expect(hideInText(text)).toBe(text);
  });
});
