import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, canariesInFolder, newCanary } from '../support/canary.ts';
import { callApi } from '../support/call-api.ts';
import { argumentsAndEnvironment } from '../support/process-facts.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { boundHost, otherHost, startWorld, type World } from '../support/world.ts';

let world: World;
const agentBytes: Buffer[] = [];
const answers: string[] = [];
const canaries: string[] = [];

async function ask(bytes: Buffer | string, options: { authority?: string } = {}): Promise<void> {
  const connection = await world.tunnel(options);
  connection.send(bytes);
  await connection.readResponse().catch(() => undefined);
  agentBytes.push(connection.received());
  connection.close();
}

async function callAndKeep(method: string, path: string, body?: unknown): Promise<void> {
  answers.push((await world.onecli.api(method, path, body)).text);
}

beforeAll(async () => {
  world = await startWorld();
  canaries.push(...world.canaries);
});
afterAll(() => world?.stop());

describe('secrets that went through every path', () => {
  it('created, changed, refused, taken, by REST, GraphQL and the CLI', async () => {
    const binding = { hosts: [boundHost], surfaces: ['header', 'basic'] };
    const values = ['rest', 'put', 'refused', 'taken', 'broken', 'cli', 'control', 'large', 'wrong-login'].map(
      newCanary,
    );
    canaries.push(...values);
    const [rest, put, refused, taken, broken, cli, control, large, wrongLogin] = values;
    await callAndKeep('POST', '/api/secrets', { name: 'prod/rest', value: rest, description: '', binding });
    await callAndKeep('PUT', '/api/secrets/prod%2Frest', { value: put });
    await callAndKeep('POST', '/api/secrets', { name: 'BAD NAME', value: refused, description: '', binding });
    await callAndKeep('POST', '/api/secrets', { name: 'prod/rest', value: taken, description: '', binding });
    await callAndKeep('POST', '/api/secrets', `{"name":"prod/broken","value":"${broken}",`);
    await callAndKeep('POST', '/api/secrets', {
      name: 'prod/control',
      value: `${control}\r\n`,
      description: '',
      binding,
    });
    await callAndKeep('POST', '/api/secrets', {
      name: 'prod/large',
      value: `${large}${'x'.repeat(1_200_000)}`,
      description: '',
      binding,
    });
    const body = { name: 'prod/wrong', value: wrongLogin, description: '', binding };
    answers.push(
      (await callApi(world.onecli.apiUrl, 'POST', '/api/secrets', body, { authorization: 'Basic eDp5' })).text,
    );
    const put2 = await runOnecliCommand(world.onecli, ['secret', 'put', 'prod/cli', '--host', boundHost], {
      stdin: `${cli}\n`,
      env: { HOME: world.folder },
    });
    expect(put2, put2.stderr).toMatchObject({ code: 0 });
    answers.push(put2.stdout, put2.stderr);
  });

  it('used, refused on every ground, and answered in every way', async () => {
    const bearer = { authorization: 'Bearer onecli://prod/openai' };
    const basic = { authorization: `Basic ${Buffer.from('x:onecli://prod/openai').toString('base64')}` };
    world.upstream.handler = (_request, reply) => reply.json(200, { ok: true });
    await ask(requestBytes('GET', '/v1/x', bearer));
    await ask(requestBytes('GET', '/v1/x', basic));
    await ask(requestBytes('POST', '/v1/x', bearer, 'a body'));
    await ask(requestBytes('GET', '/v2/x', bearer));
    await ask(requestBytes('GET', '/v1/x?key=onecli://prod/openai'));
    await ask(requestBytes('GET', '/v1/x', { 'x-key': 'onecli://prod/stripe' }));
    await ask(requestBytes('GET', '/v1/x', { host: otherHost, ...bearer }), { authority: `${otherHost}:443` });
    await ask(requestBytes('GET', '/v1/x', { host: otherHost, ...bearer }));
    await ask(
      'GET /v1/x HTTP/1.1\r\nHost: api.openai.com\r\nAuthorization: Bearer onecli://prod/openai\r\nTransfer-Encoding: gzip\r\n\r\n',
    );
    for (const bytes of [
      'garbage\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
      'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n',
    ]) {
      world.upstream.dropConnections();
      world.upstream.handler = async (_request, reply) => {
        await reply.raw(bytes);
        reply.end();
      };
      await ask(requestBytes('GET', '/v1/x', bearer));
    }
    world.upstream.dropConnections();
    world.upstream.handler = (_request, reply) => reply.reset();
    await ask(requestBytes('GET', '/v1/x', bearer));
    world.upstream.handler = (_request, reply) => reply.json(200, {});
    const refused = await openTunnel({ proxyPort: world.onecli.proxyPort, token: 'wrong' });
    if (refused.kind === 'refused') agentBytes.push(refused.connection.received());
    expect(world.upstream.receivedBytes().includes(world.canary)).toBe(true);
    await world.auditSince(Date.now() - 1_000);
  });

  it('are in no answer of the API', async () => {
    const paths = [
      '/api/secrets',
      '/api/agents',
      '/api/policies',
      '/api/audit?limit=200',
      '/api/workers',
      '/health',
      '/metrics',
      '/api/openapi.json',
    ];
    for (const path of paths) await callAndKeep('GET', path);
    const types = '{ __schema { queryType { fields { name } } } }';
    await callAndKeep('POST', '/graphql', { query: types });
    const lists = [
      '{ secrets { nodes { name version description } } }',
      '{ secrets { edges { node { name version } } } }',
    ];
    for (const query of lists) await callAndKeep('POST', '/graphql', { query });
    for (const path of ['/health', '/metrics']) answers.push((await callApi(world.onecli.proxyUrl, 'GET', path)).text);
    expect(canariesIn(answers.join('\n'), canaries)).toEqual([]);
  });

  it('are in nothing that the agent got', () => {
    expect(canariesIn(Buffer.concat(agentBytes), canaries)).toEqual([]);
  });

  it('are in no log and in no file of the data folder', () => {
    expect(canariesIn(world.onecli.log, canaries)).toEqual([]);
    expect(canariesInFolder(world.onecli.dataFolder, canaries)).toEqual([]);
  });

  it('are in no arguments and no environment of a process', () => {
    const processes = world.onecli.processes();
    expect(processes.length).toBeGreaterThan(3);
    for (const { pid, commandLine } of processes) {
      expect(canariesIn(argumentsAndEnvironment(pid), canaries), commandLine).toEqual([]);
    }
  });

  it('leave no master key in arguments, logs or the database folder either', () => {
    const keyFile = readFileSync(`${world.onecli.dataFolder}/master.key`, 'utf8').trim();
    expect(keyFile).toMatch(/^[0-9a-f]{64}$/);
    expect(world.onecli.log).not.toContain(keyFile);
    for (const { pid } of world.onecli.processes()) {
      expect(
        argumentsAndEnvironment(pid)
          .split('\0')
          .filter((one) => one.includes(keyFile) && !one.includes('=')),
      ).toEqual([]);
    }
  });
});

describe('a support bundle', () => {
  const [apiKey, password, masterKey, database, hook, cookie, agent] = [
    'api-key',
    'password',
    'master',
    'database',
    'hook',
    'cookie',
    'agent',
  ].map(newCanary) as [string, string, string, string, string, string, string];
  const planted = [apiKey, password, masterKey, database, hook, cookie, agent];
  /** Variables of the shell that it is made in. */
  const env = {
    ONECLI_AGENT_TOKEN: agent,
    ONECLI_MASTER_KEY: masterKey,
    ONECLI_PROXY_URL: '',
    DATABASE_URL: `postgres://onecli:${encodeURIComponent(database)}@db.example/onecli`,
    HOOK_URL: `https://hook:${hook}@hook.example/`,
    SESSION_COOKIE: cookie,
  };

  /** Lines as a faulty program might write them. */
  const lines = () => [
    `{"level":"info","msg":"GET /x","headers":{"authorization":"Bearer ${apiKey}"},"cookie":"onecli=${cookie}"}`,
    `{"level":"warn","msg":"connect ${env.DATABASE_URL} failed: password=${password}"}`,
    `Basic ${Buffer.from(`admin:${password}`).toString('base64')} and ${Buffer.from(`--${masterKey}`).toString('base64')}`,
    `posting to ${env.HOOK_URL}x with ${Buffer.from(agent).toString('hex')}`,
    'a plain line that helps',
  ];

  /** Makes one, and gives what it holds and what was said. */
  async function make(...options: string[]): Promise<{ text: string; names: string[]; said: string; code: number }> {
    const file = join(world.folder, `bundle-${answers.length}-${Math.random().toString(36).slice(2)}.tar.gz`);
    const arguments_ = ['--api-url', world.onecli.apiUrl, 'support-bundle', file, ...options];
    const made = await runOnecliCommand(world.onecli, arguments_, { env: { HOME: world.folder, ...env } });
    const untar = (...how: string[]) => spawnSync('tar', [...how, '-f', file], { encoding: 'utf8' }).stdout;
    const text = untar('-xzO');
    const adminPassword = world.onecli.adminPassword;
    const found = canariesIn(`${text}${made.stderr}${made.stdout}`, [...canaries, ...planted, adminPassword]);
    expect(found).toEqual([]);
    return { text, names: untar('-tz').trim().split('\n'), said: made.stderr, code: made.code ?? -1 };
  }

  it('has the state of all parts and the logs, and no secret that is in them, in the environment or in the data folder', async () => {
    appendFileSync(join(world.onecli.dataFolder, 'logs/worker-1.log'), `${lines().join('\n')}\n`);
    const { names, text, said, code } = await make();
    expect([code, said.match(/missing/g)], said).toEqual([0, null]);
    expect(names).toEqual(
      expect.arrayContaining([
        'bundle.json',
        'control-plane/database.json',
        'control-plane/metrics.txt',
        'proxy-port/health.json',
        'proxy-port/metrics.txt',
        'this-machine/settings.json',
        'this-machine/logs/control-plane.log',
        'this-machine/logs/worker-1.log',
        'this-machine/logs/postgres.log',
      ]),
    );
    expect(text).toContain('a plain line that helps');
    expect(text).toContain('onecli_requests_total{');
    expect(text).not.toContain(readFileSync(`${world.onecli.dataFolder}/master.key`, 'utf8').trim());
  });

  it('is made while a worker hangs, and says that it does', async () => {
    const workers = world.onecli.pidsOf('worker');
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    try {
      const { said, names, code } = await make('--log-lines', '5');
      expect([code, names.includes('control-plane/workers.json')]).toEqual([0, true]);
      expect(said).toMatch(/missing: proxy-port\/health\.json: no answer at 127\.0\.0\.1/);
    } finally {
      for (const pid of workers) process.kill(pid, 'SIGCONT');
    }
  });

  it('is made of what this machine has when all is down, and tells how where it is not asked for so', async () => {
    world.onecli.child.kill('SIGTERM');
    await world.onecli.exitCode();
    const refused = await make();
    expect([refused.code, refused.said]).toEqual([1, expect.stringContaining('with --offline the bundle has')]);
    const { said, names, text, code } = await make('--offline');
    expect([code, said]).toEqual([0, expect.stringContaining('missing: control-plane: not asked: --offline')]);
    expect(names).toEqual(expect.arrayContaining(['bundle.json', 'this-machine/logs/control-plane.log']));
    expect(text).toContain('a plain line that helps');
  });
});
