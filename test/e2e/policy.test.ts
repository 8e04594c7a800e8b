import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, makeAgent, startWorld, type World } from '../support/world.ts';

const rated = 'rated.example';
const crowded = 'crowded.example';
const pinned = 'pinned.example';
const hosts = [rated, crowded, pinned];

let world: World;
beforeAll(async () => {
  world = await startWorld({
    hosts,
    rules: [
      { allow: { hosts: [boundHost], secrets: ['prod/openai'] } },
      { allow: { hosts: [rated], paths: ['/v1/**'], rateLimit: { requests: 2, perSeconds: 3600 } } },
      { allow: { hosts: [rated], paths: ['/free'] } },
      { allow: { hosts: [crowded], maxConcurrent: 2 } },
      { allow: { hosts: [pinned], tunnel: true, maxConcurrent: 1 } },
    ],
  });
});
afterAll(() => world?.stop());

const curl = (...options: string[]) => runAsAgent(world, ['curl', '-sS', ...options]);

describe('a rate limit', () => {
  it('lets so many requests pass, and tells curl when to come again', async () => {
    for (let at = 0; at < 2; at++) expect((await curl(`https://${rated}/v1/x`)).stdout).toBe('{"ok":true}');
    const { stdout } = await curl('-i', `https://${rated}/v1/y`);
    expect(stdout).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r$/m);
    expect(stdout).toMatch(/^x-onecli-error: RATE_LIMITED\r$/m);
    const [, seconds] = /^Retry-After: (\d+)\r$/m.exec(stdout) ?? [];
    expect(Number(seconds)).toBeGreaterThan(3000);
    expect(Number(seconds)).toBeLessThanOrEqual(3600);
    expect((await curl(`https://${rated}/free`)).stdout).toBe('{"ok":true}');
  });

  it('is recorded as a denial by its rule', async () => {
    const items = (await world.auditSince(Date.now() - 60_000)).filter(({ host }) => host === rated);
    expect(items.map(({ decision, reason, rule, status }) => ({ decision, reason, rule, status }))).toContainEqual({
      decision: 'deny',
      reason: 'RATE_LIMITED',
      rule: 'mallory/rules/1',
      status: 429,
    });
  });
});

describe('a limit of requests at once', () => {
  it('refuses one more than it allows, until one of them is over or cut', async () => {
    world.upstream.reset((request, reply) => {
      if (request.target !== '/hold') reply.json(200, { ok: true });
    });
    const ask = async (path: string) => {
      const connection = await world.tunnel({ authority: `${crowded}:443` });
      connection.send(requestBytes('GET', path, { host: crowded }));
      return connection;
    };
    const held = [await ask('/hold'), await ask('/hold')];
    await waitUntil('both are under way', () => world.upstream.requests.length === 2);
    const refused = await (await ask('/x')).readResponse();
    expect([refused.status, refused.header('x-onecli-error'), refused.header('retry-after')]).toEqual([
      429,
      'TOO_MANY_CONCURRENT',
      '1',
    ]);
    expect(world.upstream.requests).toHaveLength(2);
    held[0]?.close();
    await waitUntil('its place is free', async () => (await (await ask('/x')).readResponse()).status === 200);
    held[1]?.close();
  });
});

describe('a tunnel', () => {
  const ask = `https://${pinned}/v1/x`;

  it('shows the agent the certificate of the host itself, and puts no credential in', async () => {
    world.upstream.reset((_request, reply) => reply.json(200, { ok: true }));
    const untrusted = await curl(ask);
    expect(untrusted.code).toBe(60);
    const placeholder = 'Authorization: Bearer onecli://prod/openai';
    const { stdout, stderr } = await curl('-v', '--cacert', world.authority.caFile, '-H', placeholder, ask);
    expect(stdout).toBe('{"ok":true}');
    expect(stderr).toContain('issuer: CN=OneCLI test upstreams');
    expect(world.upstream.requests.at(-1)?.header('authorization')).toBe('Bearer onecli://prod/openai');
  });

  it('is one audit event, with its bytes', async () => {
    const body = Buffer.alloc(300_000, 'x');
    world.upstream.reset((_request, reply) => reply.json(200, { text: body.toString() }));
    const since = Date.now();
    await curl('--cacert', world.authority.caFile, '-o', '/dev/null', '-d', 'y'.repeat(50_000), ask);
    const items = (await world.auditSince(since)).filter(({ host }) => host === pinned);
    expect(items).toMatchObject([
      { decision: 'allow', reason: 'ALLOWED', rule: 'mallory/rules/4', method: 'CONNECT', status: 200, secrets: [] },
    ]);
    expect(items[0]?.responseBytes).toBeGreaterThan(body.length);
    expect(items[0]?.requestBytes).toBeGreaterThan(50_000);
  });

  it('counts under the limits of its rule for as long as it is open', async () => {
    const options = { proxyPort: world.onecli.proxyPort, agent: world.agent, token: world.token };
    const connect = () => openTunnel({ ...options, authority: `${pinned}:443` });
    const first = await connect();
    if (first.kind !== 'open') throw new Error(`the tunnel did not open: ${first.kind}`);
    const second = await connect();
    expect([second.kind, second.answer.status, second.answer.reason]).toEqual(['refused', 429, 'TOO_MANY_CONCURRENT']);
    first.connection.close();
    await waitUntil('its place is free', async () => {
      const next = await connect();
      if (next.kind === 'open') next.connection.close();
      return next.kind === 'open';
    });
  });

  it('ends when its rule is taken away', async () => {
    const token = await makeAgent(world.onecli, 'passer');
    await runOnecliCommand(world.onecli, ['policy', 'allow', 'passer', pinned, '--tunnel']);
    const tunnel = await waitUntil('the rule has arrived', async () => {
      const opened = await openTunnel({
        proxyPort: world.onecli.proxyPort,
        agent: 'passer',
        token,
        authority: `${pinned}:443`,
      });
      return opened.kind === 'open' ? opened : undefined;
    });
    await runOnecliCommand(world.onecli, ['policy', 'delete', 'passer']);
    await tunnel.connection.untilClosed();
    const items = await world.auditSince(Date.now() - 30_000);
    expect(items.filter(({ agent, reason }) => agent === 'passer' && reason === 'POLICY_DENIED')).toContainEqual(
      expect.objectContaining({ method: 'CONNECT', decision: 'deny', status: 200 }) as object,
    );
  });
});

describe('monitor mode', () => {
  it('lets pass what would be denied, and records by which rule', async () => {
    const token = await makeAgent(world.onecli, 'trainee');
    const allow = ['policy', 'allow', 'trainee', boundHost, '--paths', '/v1/**', '--monitor'];
    await runOnecliCommand(world.onecli, [...allow, '--secrets', 'prod/openai']);
    await runOnecliCommand(world.onecli, ['policy', 'deny', 'trainee', boundHost, '--paths', '/v1/admin']);
    world.upstream.reset((_request, reply) => reply.json(200, { ok: true }));
    const since = Date.now();
    const env = { HOME: world.folder, ONECLI_AGENT_TOKEN: token };
    const ask = async (url: string, ...options: string[]) => {
      const command = ['run', '--agent', 'trainee', '--', 'curl', '-sS', ...options, url];
      return (await runOnecliCommand(world.onecli, command, { env })).stdout;
    };
    const credential = ['-H', 'Authorization: Bearer onecli://prod/openai'];
    expect(await ask(`https://${boundHost}/v1/x`, ...credential)).toBe('{"ok":true}');
    expect(await ask(`https://${boundHost}/v1/admin`, ...credential)).toBe('{"ok":true}');
    expect(await ask(`https://${rated}/anything`)).toBe('{"ok":true}');
    expect(await ask(`https://${boundHost}/v2`, ...credential)).toContain('PLACEHOLDER_NOT_GRANTED');
    expect(world.upstream.requests.map((request) => request.header('authorization'))).toEqual([
      `Bearer ${world.canary}`,
      `Bearer ${world.canary}`,
      undefined,
    ]);
    const items = (await world.auditSince(since)).filter(({ agent }) => agent === 'trainee').reverse();
    expect(items.map(({ decision, reason, rule }) => [decision, reason, rule])).toEqual([
      ['allow', 'ALLOWED', 'trainee/rules/0'],
      ['allow', 'MONITORED', 'trainee/rules/1'],
      ['allow', 'MONITORED', null],
      ['deny', 'PLACEHOLDER_NOT_GRANTED', null],
    ]);
  });
});

describe('onecli policy', () => {
  it('takes what was tried out into force', async () => {
    await runOnecliCommand(world.onecli, ['policy', 'mode', 'trainee', 'enforce']);
    const show = await runOnecliCommand(world.onecli, ['policy', 'show', 'trainee', '--json']);
    expect(JSON.parse(show.stdout)).toMatchObject({
      mode: 'enforce',
      rules: [{ allow: { secrets: ['prod/openai'] } }, {}],
    });
  });

  it('writes limits, windows and options as the API takes them', async () => {
    const limits = ['--rate', '100/60s', '--concurrent', '5', '--max-body', '10m', '--http2', '--plain-http'];
    const window = ['--window', 'mon-fri 09:00-17:00 Europe/Berlin'];
    await makeAgent(world.onecli, 'worker');
    for (let at = 0; at < 2; at++)
      await runOnecliCommand(world.onecli, ['policy', 'allow', 'worker', rated, ...limits, ...window]);
    const show = await runOnecliCommand(world.onecli, ['policy', 'show', 'worker', '--json']);
    expect(JSON.parse(show.stdout)).toMatchObject({
      mode: 'enforce',
      rules: [
        {
          allow: {
            rateLimit: { requests: 100, perSeconds: 60, by: 'agent' },
            maxConcurrent: 5,
            maxBodyBytes: 10_000_000,
            http2: true,
            plainHttp: true,
            windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', zone: 'Europe/Berlin' }],
          },
        },
      ],
    });
    const bad = await runOnecliCommand(world.onecli, [
      'policy',
      'allow',
      'worker',
      rated,
      '--window',
      'mon 09:00-10:00 Mars',
    ]);
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toMatch(/"Mars" must be a time zone/);
  });
});

describe('the secrets', () => {
  it('are nowhere else', () => {
    expectCanariesNowhere(world);
  });
});
