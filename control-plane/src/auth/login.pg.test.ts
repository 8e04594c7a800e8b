import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretValue } from '@onecli/shared/secret-value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, adminPassword, basic, serve } from '../api/testing/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-login-'));
const localAccessFile = join(folder, 'access', 'local-access.json');
let databaseUrl: string;
let api: Served;
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  api = await serve(databaseUrl, { localAccessFile, proxyUrl: 'http://127.0.0.1:10254' });
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

const tryLogin = (authorization: string | undefined) =>
  fetch(`${api.url}/api/secrets`, authorization === undefined ? {} : { headers: { authorization } });

/** What is not the request's own. */
async function bodyOf(response: Response): Promise<object> {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return { ...error, requestId: '' };
}

describe('login', () => {
  it('lets the admin of the configuration in, with Basic', async () => {
    expect((await tryLogin(basic('admin', adminPassword)['authorization'])).status).toBe(200);
  });

  it('lets this machine’s command line in, with the token of a file that only its owner reads', async () => {
    const access = JSON.parse(readFileSync(localAccessFile, 'utf8')) as {
      apiUrl: string;
      proxyUrl: string;
      token: string;
    };
    expect(access).toEqual({
      apiUrl: api.url,
      proxyUrl: 'http://127.0.0.1:10254',
      token: expect.stringMatching(/^olt_[\w-]{43}$/),
    });
    expect(statSync(localAccessFile).mode & 0o777).toBe(0o600);
    expect((await tryLogin(`Bearer ${access.token}`)).status).toBe(200);
    expect((await tryLogin(`Bearer ${access.token.slice(0, -1)}`)).status).toBe(401);
    expect(JSON.stringify(api.logLines)).not.toContain(access.token);
  });

  it('answers an unknown user, a wrong password and a wrong token alike', async () => {
    const answers = await Promise.all([
      tryLogin(basic('admin', 'wrong')['authorization']),
      tryLogin(basic('nobody', adminPassword)['authorization']),
      tryLogin(basic('no\0body', adminPassword)['authorization']),
      tryLogin('Bearer olt_wrong'),
      tryLogin('Basic nonsense'),
      tryLogin('Digest x'),
    ]);
    const bodies = await Promise.all(answers.map(bodyOf));
    for (const [index, answer] of answers.entries()) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
      expect(bodies[index]).toEqual(bodies[0]);
    }
    expect((await tryLogin(undefined)).status).toBe(401);
  });

  it('makes whoever guesses wait with 429, also when all guesses come at once, and no longer than that user', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 15 }, (_, i) =>
        tryLogin(basic('guessed', `wrong ${i}`)['authorization']).then(({ status }) => status),
      ),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    const refused = await tryLogin(basic('guessed', 'again')['authorization']);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-6]?\d$/);
    expect(await bodyOf(refused)).toMatchObject({ code: 'TOO_MANY_LOGINS' });
    expect((await tryLogin(basic('admin', adminPassword)['authorization'])).status).toBe(200);
  });
});

describe('the admin of the configuration', () => {
  it('has the password that is set at start, and no other, and stays without one', async () => {
    const other = await serve(databaseUrl, { adminPassword: SecretValue.of('another password') });
    const status = async (served: Served, password: string) =>
      (await fetch(`${served.url}/api/secrets`, { headers: basic('admin', password) })).status;
    expect(await status(other, 'another password')).toBe(200);
    expect(await status(other, adminPassword)).toBe(401);
    await other.stop();
    const without = await serve(databaseUrl, { adminPassword: undefined });
    expect(await status(without, 'another password')).toBe(200);
    await without.stop();
  });

  it('must have a password when there is nobody yet', async () => {
    await expect(serve(await freshDatabase(), { adminPassword: undefined })).rejects.toThrow(
      'ONECLI_ADMIN_PASSWORD: is not set',
    );
  });

  it('has no password in the database, the log or the local access file', async () => {
    const rows = await api.database.query<object[]>('SELECT * FROM user_account');
    const places = [JSON.stringify(rows), api.logLines.join(''), readFileSync(localAccessFile, 'utf8')].join('');
    expect(places).not.toContain(adminPassword);
    expect(places).not.toContain(Buffer.from(`admin:${adminPassword}`).toString('base64'));
    expect(rows).toHaveLength(1);
  });
});

describe('local access', () => {
  it('keeps its token over a restart, unless others could have written the file', async () => {
    const tokenOf = () => (JSON.parse(readFileSync(localAccessFile, 'utf8')) as { token: string }).token;
    const before = tokenOf();
    const again = await serve(databaseUrl, { localAccessFile });
    expect(tokenOf()).toBe(before);
    await again.stop();
    const { chmodSync } = await import('node:fs');
    chmodSync(localAccessFile, 0o644);
    const wary = await serve(databaseUrl, { localAccessFile });
    expect(tokenOf()).not.toBe(before);
    await wary.stop();
  });
});
