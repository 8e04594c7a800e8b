// What a person does to have an agent recognised by something else than a token in the clear, with the command line and real clients.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { type JwtIssuer, startJwtIssuer } from '../support/jwt-issuer.ts';
import { type CommandResult, runCommand } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-issuer-'));
let world: World;
let issuer: JwtIssuer;
let caFile: string;

beforeAll(async () => {
  const authority = makeTestAuthority(folder);
  issuer = await startJwtIssuer(authority);
  world = await startWorld({
    connectTo: [`${issuer.host}:443=127.0.0.1:${issuer.port}`],
    upstreamRoots: [authority.caPem],
  });
  caFile = join(world.folder, 'onecli-ca.pem');
  writeFileSync(caFile, world.caPem);
});
afterAll(async () => {
  await world?.stop();
  await issuer?.close();
  rmSync(folder, { recursive: true, force: true });
});

const has = (...command: string[]): boolean => {
  try {
    execFileSync(command[0] ?? '', command.slice(1), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

async function onecli(...args: string[]): Promise<CommandResult> {
  return runOnecliCommand(world.onecli, args, { env: { HOME: world.folder } });
}

async function mustOnecli(...args: string[]): Promise<string> {
  const result = await onecli(...args);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.stdout;
}

/** curl through the proxy, as nobody unless the arguments say otherwise. Gives what came back, or curl's complaint. */
function curl(...args: string[]): Promise<CommandResult> {
  const authorization = 'Authorization: Bearer onecli://prod/openai';
  const common = ['-sS', '--cacert', caFile, '--proxy-cacert', caFile, '-H', authorization];
  return runCommand('curl', [...common, ...args, `https://${boundHost}/v1/models`]);
}

async function expectServed(...args: string[]): Promise<void> {
  const result = await waitUntil('the change is in force', async () => {
    const tried = await curl(...args);
    return tried.code === 0 && !tried.stdout.includes('PROXY_AUTH') ? tried : undefined;
  });
  expect(JSON.parse(result.stdout)).toEqual({ ok: true });
  expect(world.upstream.requests.at(-1)?.header('authorization')).toBe(`Bearer ${world.canary}`);
}

/** A tunnel that nothing is said in. */
async function tunnelBy(file: string): Promise<TLSSocket> {
  const pem = readFileSync(file, 'utf8');
  const port = world.onecli.proxyPort;
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', cert: pem, key: pem, ca: world.caPem });
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${boundHost}:443 HTTP/1.1\r\nHost: ${boundHost}:443\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
  return socket;
}

async function allow(agent: string): Promise<void> {
  await mustOnecli('policy', 'allow', agent, boundHost, '--paths', '/v1/**', '--secrets', 'prod/openai');
}

describe.skipIf(!has('curl', '--version'))('curl (skipped without curl)', () => {
  const secureProxy = (name = 'localhost'): string => `https://${name}:${world.onecli.proxyPort}`;

  it('comes in by the certificate that the command line gave it, and by no other way', async () => {
    await mustOnecli('agent', 'create', 'ci', '--identity', 'cn:ci', '--identity', 'uri:spiffe://example.org/ci');
    await allow('ci');
    const file = join(world.folder, 'ci.pem');
    await mustOnecli('agent', 'certificate', 'ci', '--days', '1', '--out', file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await onecli('agent', 'certificate', 'ci', '--out', file)).code).toBe(2);
    await expectServed('--proxy', secureProxy(), '--proxy-cert', file);
    const nobody = await curl('--proxy', secureProxy());
    expect(nobody.code).not.toBe(0);
    expect(nobody.stderr).toContain('407');
    expect(await mustOnecli('agent', 'list')).toMatch(/ci +enabled +mtls/);
    expect(JSON.parse(await mustOnecli('agent', 'show', 'ci'))).toMatchObject({
      identities: [{ mtls: { commonName: 'ci' } }, { mtls: { uri: 'spiffe://example.org/ci' } }],
    });
    expect(readFileSync(file, 'utf8')).toContain('PRIVATE KEY');
  });

  it('comes in by certificates of both authorities while the client authority is rotated, then by the new one alone', async () => {
    const file = join(world.folder, 'ci.pem');
    const proxy = ['--proxy', secureProxy(), '--proxy-cert'];
    const tunnel = await tunnelBy(file);
    await mustOnecli('ca', 'rotate', '--client');
    await waitUntil('the next one issues', async () => {
      return /^PREVIOUS/m.test(await mustOnecli('ca', 'status', '--client'));
    });
    await expectServed(...proxy, file);
    const renewed = join(world.folder, 'ci-renewed.pem');
    await mustOnecli('agent', 'certificate', 'ci', '--days', '1', '--out', renewed);
    await expectServed(...proxy, renewed);
    expect(await mustOnecli('ca', 'status', '--client')).toMatch(/: ci has a certificate until .*, and a newer one/);
    const refused = await onecli('ca', 'retire', '--client');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/unexpired certificates by it: ci \(until/);
    await expectServed(...proxy, file);
    expect(tunnel.destroyed).toBe(false);

    const ended = once(tunnel, 'close');
    await mustOnecli('ca', 'retire', '--client', '--force');
    await ended;
    await waitUntil('the old certificate is refused', async () => (await curl(...proxy, file)).stderr.includes('407'));
    await expectServed(...proxy, renewed);
    expect(await mustOnecli('ca', 'status', '--client')).not.toContain('PREVIOUS');
  });

  it('sends its token through TLS with the proxy, at once or when it is asked', async () => {
    const credentials = `mallory:${world.token}`;
    await expectServed('--proxy', secureProxy(), '--proxy-user', credentials);
    await expectServed('--proxy', secureProxy('127.0.0.1'), '--proxy-user', credentials);
    await expectServed('--proxy', secureProxy(), '--proxy-anyauth', '--proxy-user', credentials);
    await expectServed('--proxy', world.onecli.proxyUrl, '--proxy-anyauth', '--proxy-user', credentials);
  });

  it('knows the proxy by the name of its machine', async () => {
    const name = hostname().toLowerCase();
    const resolve = ['--resolve', `${name}:${world.onecli.proxyPort}:127.0.0.1`];
    await expectServed(...resolve, '--proxy', secureProxy(name), '--proxy-user', `mallory:${world.token}`);
  });

  it('does not trust the proxy under a name that is not its own', async () => {
    const resolve = ['--resolve', `api.openai.com:${world.onecli.proxyPort}:127.0.0.1`];
    const result = await curl(...resolve, '--proxy', secureProxy('api.openai.com'));
    expect(result.code).toBe(60);
  });

  it('comes in with a JWT', async () => {
    const identity = `jwt:${issuer.issuer},aud=onecli,sub=spiffe://example.org/billing`;
    await mustOnecli('agent', 'create', 'billing', '--identity', identity);
    await allow('billing');
    const claims = { sub: 'spiffe://example.org/billing' };
    const bearer = async () => `Proxy-Authorization: Bearer ${await issuer.sign({ claims })}`;
    await expectServed('--proxy', world.onecli.proxyUrl, '--proxy-header', await bearer());
    await expectServed('--proxy', secureProxy(), '--proxy-header', await bearer());
  });

  it('comes in by where it is', async () => {
    await mustOnecli('agent', 'create', 'desk', '--identity', 'source:127.0.0.44');
    await allow('desk');
    await expectServed('--proxy', world.onecli.proxyUrl, '--interface', '127.0.0.44');
    const taken = await onecli('agent', 'create', 'twin', '--identity', 'source:127.0.0.44/32');
    expect(taken.code).toBe(1);
    expect(taken.stderr).toMatch(/identities\[0\]\.source\.cidrs\[0\].*desk/);
  });

  it('is refused with a token that was bound to another place meanwhile', async () => {
    const token = (await mustOnecli('agent', 'create', 'walker', '--no-save')).trim();
    await allow('walker');
    const args = ['--proxy', world.onecli.proxyUrl, '--proxy-user', `walker:${token}`];
    await expectServed(...args);
    await mustOnecli('agent', 'update', 'walker', '--identity', 'token:from=127.0.0.45,expires=1d');
    await waitUntil('it is refused', async () => (await curl(...args)).stderr.includes('407'));
    await expectServed(...args, '--interface', '127.0.0.45');
  });
});

describe.skipIf(!has('/usr/bin/python3', '-c', 'import requests'))(
  'Python requests (skipped without python3-requests)',
  () => {
    it('goes through an https:// proxy', async () => {
      const script = `
import os, requests
answer = requests.get('https://${boundHost}/v1/models', headers={'Authorization': 'Bearer onecli://prod/openai'})
print(answer.status_code, answer.json()['ok'])`;
      const proxy = `https://mallory:${world.token}@localhost:${world.onecli.proxyPort}`;
      const env = { PATH: process.env['PATH'], HTTPS_PROXY: proxy, REQUESTS_CA_BUNDLE: caFile };
      const result = await runCommand('/usr/bin/python3', ['-c', script], { env });
      expect(result.stdout, result.stderr).toBe('200 True\n');
      expect(world.upstream.requests.at(-1)?.header('authorization')).toBe(`Bearer ${world.canary}`);
    });
  },
);

it('leaves no secret anywhere', () => expectCanariesNowhere(world));
