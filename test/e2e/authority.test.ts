import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goodExtensions, issueAuthority } from '../support/brought-authority.ts';
import { callApi } from '../support/call-api.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { mustRun, runCommand } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { repositoryRoot } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, otherHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const certificatesIn = (pem: string) => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
/** curl's exit code for a certificate that leads to no authority that it trusts. */
const untrusted = 60;

/** What an agent is given to trust, by the worker, once it is so many authorities. */
async function bundleOf(count: number, name: string): Promise<string> {
  const pem = await waitUntil(`${count} authorities are handed out`, async () => {
    const { text } = await callApi(world.onecli.proxyUrl, 'GET', '/ca.pem');
    return certificatesIn(text).length === count ? text : undefined;
  });
  expect(await world.onecli.caPem()).toBe(pem);
  return store(name, pem);
}

function store(name: string, content: string): string {
  const path = join(world.folder, name);
  writeFileSync(path, content);
  return path;
}

/** A request by curl, which trusts the file alone; gives its exit code, or the status of the answer. */
async function ask(caFile: string, host = boundHost): Promise<number> {
  const { onecli, agent, token } = world;
  const proxy = `http://${agent}:${token}@127.0.0.1:${onecli.proxyPort}`;
  const quiet = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', caFile, '--proxy', proxy];
  const { code, stdout } = await runCommand('curl', [...quiet, `https://${host}/v1/x`]);
  return code === 0 ? Number(stdout) : (code ?? -1);
}

/** What the gateway says to a CONNECT. */
async function connectAnswer(host: string): Promise<{ status: number; code: string | undefined }> {
  const { onecli, agent, token } = world;
  const { answer, ...tunnel } = await openTunnel({
    proxyPort: onecli.proxyPort,
    agent,
    token,
    authority: `${host}:443`,
  });
  if ('connection' in tunnel) tunnel.connection.close();
  return { status: answer.status, code: answer.header('x-onecli-error') };
}

/** What commands get while there are two authorities. */
async function expectGiven(during: string, before: string): Promise<void> {
  const both = readFileSync(during, 'utf8');
  expect((await runOnecliCommand(world.onecli, ['ca'])).stdout).toBe(both);
  const { stdout } = await runAsAgent(world, ['sh', '-c', 'cat "$NODE_EXTRA_CA_CERTS"; tail -n 1000 "$SSL_CERT_FILE"']);
  expect(stdout.startsWith(both)).toBe(true);
  expect(stdout.endsWith(both)).toBe(true);
  const cli = join(repositoryRoot, 'cli/bin/onecli.mjs');
  const doctor = await runAsAgent(world, ['sh', '-c', `SSL_CERT_FILE=${before} exec node ${cli} doctor`]);
  expect(doctor.stdout).toContain('being rotated, and not all are in the file of: SSL_CERT_FILE');
}

const step = (name: string, body: object = {}) =>
  world.onecli.must<{ change: string }>('POST', `/api/authorities/${name}`, body);

describe('a certificate authority that is rotated while agents work', () => {
  it('never signs with what an agent was not given to trust before; open tunnels stay, and no worker is restarted', async () => {
    const workers = world.onecli.pidsOf('worker');
    const tunnel = await world.tunnel();
    const before = await bundleOf(1, 'before.pem');
    expect(await ask(before)).toBe(200);
    await step('rotate', { overlapHours: 1 });
    const during = await bundleOf(2, 'during.pem');
    expect([await ask(before), await ask(during)]).toEqual([200, 200]);
    await expectGiven(during, before);
    expect((await world.onecli.api('POST', '/api/authorities/activate', {})).status).toBe(409);

    const answers: number[] = [];
    let isAsking = true;
    const asking = (async () => {
      while (isAsking) answers.push(await ask(during));
    })();
    await waitUntil('every worker has the next one', async () => {
      const answer = await world.onecli.api('POST', '/api/authorities/activate', { isEarly: true });
      return answer.status === 200;
    });
    await waitUntil('the next one signs', async () => (await ask(before)) === untrusted);
    await waitUntil(
      'the old one may go',
      async () => (await world.onecli.api('POST', '/api/authorities/retire', {})).status === 200,
    );
    const after = await bundleOf(1, 'after.pem');
    expect([await ask(after), await ask(before)]).toEqual([200, untrusted]);
    isAsking = false;
    await asking;
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.filter((status) => status !== 200)).toEqual([]);

    tunnel.send(requestBytes('GET', '/v1/x'));
    expect((await tunnel.readResponse()).status).toBe(200);
    tunnel.close();
    expect(world.onecli.pidsOf('worker')).toEqual(workers);
    expect(world.onecli.log).not.toContain('PRIVATE KEY');
  });
});

describe('an intermediate that is brought, with name constraints', () => {
  it('signs what it may, by its chain; another host is refused with a reason, and the key is nowhere', async () => {
    const root = issueAuthority(undefined);
    const extensions = [...goodExtensions, 'nameConstraints=critical,permitted;DNS:openai.com'];
    const own = issueAuthority(root, { extensions });
    const chain = store('chain.pem', own.certificate + root.certificate);
    const run = async (args: string[], stdin?: string) => {
      const result = await runOnecliCommand(world.onecli, ['ca', ...args], stdin === undefined ? {} : { stdin });
      if (result.code !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`);
      return result.stdout;
    };
    const wrong = await runOnecliCommand(world.onecli, ['ca', 'import', '--certificate', chain, '--key', chain]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('privateKey must be a private key in PEM');
    const { fingerprint256 } = new X509Certificate(own.certificate);
    const printed = await run(['import', '--certificate', chain, '--key', '-', '--overlap', '0h'], own.privateKey);
    expect(printed).toContain(fingerprint256);
    expect(printed).toContain('permitted DNS openai.com');
    const trusting = store('root.pem', root.certificate);
    await waitUntil('it signs, by itself', async () => (await ask(trusting)) === 200);
    world.caPem = root.certificate;
    const since = Date.now();
    expect(await connectAnswer(otherHost)).toEqual({ status: 403, code: 'AUTHORITY_CONSTRAINED' });
    for (const host of [otherHost.toUpperCase(), `${otherHost}.`, 'api.openai.com.evil.example'])
      expect((await connectAnswer(host)).status).toBe(403);
    const events = await world.auditSince(since);
    expect(events.filter(({ reason }) => reason === 'AUTHORITY_CONSTRAINED').length).toBeGreaterThan(0);
    await run(['retire']);
    expect(await run(['export', '--proxy-url', world.onecli.proxyUrl])).toBe(root.certificate);
    expect(await run(['status'])).not.toContain('PREVIOUS');
    const secret = own.privateKey.split('\n')[1] ?? '';
    const told = [printed, world.onecli.log, (await world.onecli.api('GET', '/api/admin-events')).text];
    for (const text of told) expect(text).not.toContain(secret);
  });
});

describe('PKCS #12', () => {
  const password = 'of twelve words 7';
  const openssl = (path: string, ...args: string[]) =>
    mustRun('openssl', ['pkcs12', '-in', path, '-passin', `pass:${password}`, ...args]);

  it('is what `onecli ca export` writes, with all authorities and no key', async () => {
    const [file, out] = [store('password', `${password}\n`), join(world.folder, 'ca.p12')];
    const options = ['--format', 'p12', '--out', out, '--proxy-url', world.onecli.proxyUrl];
    const { code, stderr } = await runOnecliCommand(world.onecli, [
      'ca',
      'export',
      ...options,
      '--password-file',
      file,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const shown = await openssl(out, '-nodes');
    expect(certificatesIn(shown).join('')).toBe(await world.onecli.caPem());
    expect(shown).not.toContain('PRIVATE KEY');
    const short = await runOnecliCommand(world.onecli, ['ca', 'export', ...options], { stdin: 'short\n' });
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('at least 6 characters')]);
  });

  it('is what `onecli agent certificate` writes, with a key that only its owner can read', async () => {
    await world.onecli.must('POST', '/api/agents', { name: 'ci', identities: [{ mtls: { commonName: 'ci' } }] });
    const out = join(world.folder, 'ci.p12');
    const args = ['agent', 'certificate', 'ci', '--format', 'p12', '--out', out];
    const { code, stdout, stderr } = await runOnecliCommand(world.onecli, args, { stdin: `${password}\n` });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const shown = await openssl(out, '-nodes');
    const [certificate = ''] = certificatesIn(shown);
    const [key = ''] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(shown) ?? [];
    expect(new X509Certificate(certificate).subject).toBe('CN=ci');
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true);
    const again = await runOnecliCommand(world.onecli, args, { stdin: `${password}\n` });
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('EEXIST); no certificate was issued')]);
    expect(await openssl(out, '-nodes')).toBe(shown);
  });
});
