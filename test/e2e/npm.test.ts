import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, canariesInFolder } from '../support/canary.ts';
import { freePort } from '../support/free-port.ts';
import { plainEnvironment } from '../support/plain-environment.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { callRegistry, verdaccioConfiguration } from '../support/verdaccio.ts';
import { repositoryRoot } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, putSecret, startWorld, type World } from '../support/world.ts';

const host = 'registry.example';
const placeholder = 'onecli://prod/npm';
let folder: string;
let registry: ChildProcess;
let world: World;
let token: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-npm-'));
  const port = await freePort();
  const authority = makeTestAuthority(join(folder, 'authority'));
  const leaf = authority.issue([host, boundHost]);
  const configFile = verdaccioConfiguration(join(folder, 'verdaccio'), port, leaf);
  const program = join(repositoryRoot, 'node_modules/verdaccio/bin/verdaccio');
  registry = spawn('node', [program, '--config', configFile], { env: plainEnvironment(), stdio: 'ignore' });
  const call = (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> =>
    callRegistry({ port, host, ca: authority.caPem, method, path, body });
  await waitUntil('verdaccio answers', () => call('GET', '/-/ping'), 60_000);
  const user = { name: 'agent', password: 'verdaccio-password', type: 'user', roles: [] };
  token = String((await call('PUT', '/-/user/org.couchdb.user:agent', user))['token']);
  world = await startWorld({
    connectTo: [`${host}:443=127.0.0.1:${port}`],
    upstream: { leaf },
    start: { upstreamCaFile: authority.caFile },
  });
  await putSecret(world.onecli, 'prod/npm', token, [host]);
  const rules = [{ allow: { hosts: [host], secrets: ['prod/npm'] } }];
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, { agents: [world.agent], rules });
});
afterAll(async () => {
  await world?.stop();
  registry?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const result = await runAsAgent(
    world,
    ['npm', ...args, '--registry', `https://${host}/`, '--no-audit', '--no-fund'],
    {
      cwd,
      env: { npm_config_cache: join(folder, 'cache'), npm_config_userconfig: join(folder, '.npmrc') },
    },
  );
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(canariesIn(result.stdout + result.stderr, [token])).toEqual([]);
  return result.stdout;
}

describe('npm against verdaccio', () => {
  it('publishes, views and installs a private package with a placeholder for a token', async () => {
    writeFileSync(join(folder, '.npmrc'), `//${host}/:_authToken=${placeholder}\n`);
    const source = join(folder, 'package');
    mkdirSync(source);
    writeFileSync(
      join(source, 'package.json'),
      JSON.stringify({ name: 'through-onecli', version: '1.2.3', main: 'index.js' }),
    );
    writeFileSync(join(source, 'index.js'), `module.exports = ${JSON.stringify('x'.repeat(200_000))};\n`);
    await npm(source, 'publish');
    expect((await npm(folder, 'view', 'through-onecli', 'version')).trim()).toBe('1.2.3');
    const consumer = join(folder, 'consumer');
    mkdirSync(consumer);
    writeFileSync(join(consumer, 'package.json'), '{"name":"consumer","version":"1.0.0"}');
    await npm(consumer, 'install', 'through-onecli');
    const secrets = await waitUntil('the requests are in the audit trail', async () => {
      const items = (await world.audit()).filter((item) => item.host === host && item.status < 400);
      return items.length >= 3 ? new Set(items.flatMap((item) => item.secrets)) : undefined;
    });
    expect(secrets).toEqual(new Set(['prod/npm@1']));
    expect(canariesInFolder(join(folder, 'cache'), [token])).toEqual([]);
    expect(canariesInFolder(world.onecli.dataFolder, [token])).toEqual([]);
  });
});
