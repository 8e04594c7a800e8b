import { readFileSync } from 'node:fs';
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
