/** Every client of docs/clients.md, each feature of each, through the product; and the page, which is made of what holds. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn } from '../support/canary.ts';
import { answerClients, clientHosts } from '../support/client-services.ts';
import { type Client, clientTable, commandClients, nodeClients, pythonClients } from '../support/client-table.ts';
import { answerAsGit } from '../support/git-backend.ts';
import { type GrpcServer, startGrpcServer } from '../support/grpc-server.ts';
import { node24, runAsAgent } from '../support/run-as-agent.ts';
import { type CommandOptions, mustRun } from '../support/run-command.ts';
import { repositoryRoot } from '../support/start-onecli.ts';
import { startWebSocketUpstream, type WebSocketUpstream } from '../support/web-socket-upstream.ts';
import { startWorld, type World } from '../support/world.ts';

const placeholder = 'onecli://prod/openai';
const scripts = join(import.meta.dirname, 'client-table');
const python = join(repositoryRoot, 'node_modules/.cache/python-clients/bin/python3');
const newest = node24() ?? '';
const authorization = `Authorization: Bearer ${placeholder}`;

/** Hosts of upstreams that speak another protocol than the recording upstream. */
const socketHost = 'socket.example';
const grpcHost = 'grpc.example';
const hosts = [...clientHosts, socketHost, grpcHost];

let world: World;
let sockets: WebSocketUpstream;
let grpc: GrpcServer;
beforeAll(async () => {
  world = await startWorld({
    hosts: clientHosts,
    beside: async (authority) => {
      sockets = await startWebSocketUpstream(authority.issue([socketHost]), true);
      grpc = await startGrpcServer(authority, grpcHost);
      return [`${socketHost}:443=127.0.0.1:${sockets.port}`, `${grpcHost}:443=127.0.0.1:${grpc.port}`];
    },
  });
  const binding = { hosts, surfaces: ['header', 'basic'] };
  await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { binding });
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [{ allow: { hosts, secrets: ['prod/openai'] } }],
  });
  world.upstream.handler = answerClients(world.canary);
});
afterAll(async () => {
  await world?.stop();
  await sockets?.close();
  grpc?.close();
});

async function run(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runAsAgent(world, command, { ...options, timeoutMs: 100_000 });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(canariesIn(result.stdout + result.stderr, world.canaries)).toEqual([]);
  return result.stdout;
}

function has(...[command = '', ...parameters]: string[]): boolean {
  try {
    execFileSync(command, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const allOk = ({ features }: Client): Record<string, string> =>
  Object.fromEntries(features.map((feature) => [feature, 'ok']));

async function runScript(client: Client, command: readonly string[]): Promise<void> {
  sockets.requests.length = 0;
  grpc.keys.length = 0;
  expect(JSON.parse(await run(command))).toEqual(allOk(client));
  // The recording upstream answers 401 without the real key; these answer anyone, and tell what they got.
  const bearer = `Bearer ${world.canary}`;
  expect(sockets.requests.map(({ headers }) => headers.authorization)).toEqual(
    client.features.includes('websocket') ? [bearer] : [],
  );
  expect(grpc.keys).toEqual(client.name === '@grpc/grpc-js' ? client.features.map(() => bearer) : []);
}

describe.skipIf(newest === '')('Node 24 (skipped where it is not installed in test/support/node24)', () => {
  it.each(nodeClients)('$name', async (client) => {
    await runScript(client, [newest, join(scripts, 'node-clients.mjs'), client.name]);
  });
});

describe("the machine's Node", () => {
  it.each(nodeClients.filter(({ node }) => node === 'any'))('$name', async (client) => {
    await runScript(client, [process.execPath, join(scripts, 'node-clients.mjs'), client.name]);
  });
});

describe.skipIf(!has(python, '--version'))('Python (skipped where its packages are not installed)', () => {
  it.each([...pythonClients])('$name', async (client) => {
    await runScript(client, [python, join(scripts, 'python_clients.py'), client.name]);
  });
});

describe('commands (each is skipped where it is not installed)', () => {
  it.skipIf(!has('curl', '--version'))('curl', async () => {
    const ask = (...more: string[]) => run(['curl', '-sS', '-H', authorization, ...more]);
    expect(JSON.parse(await ask('https://api.example.com/json'))).toEqual({ ok: true });
    expect((await ask('-N', 'https://api.example.com/stream')).split('data: ')).toHaveLength(4);
    const uploaded = await ask('--data-binary', 'x'.repeat(50_000), 'https://api.example.com/upload');
    expect(JSON.parse(uploaded)).toMatchObject({ length: 50_000 });
  });

  it.skipIf(!has('wget', '--version'))('wget', async () => {
    const trusting = 'exec wget --ca-certificate="$SSL_CERT_FILE" "$@"';
    const ask = (...more: string[]) =>
      run(['sh', '-c', trusting, 'wget', '-qO-', `--header=${authorization}`, ...more]);
    expect(JSON.parse(await ask('https://api.example.com/json'))).toEqual({ ok: true });
    expect((await ask('https://api.example.com/stream')).split('data: ')).toHaveLength(4);
    const uploaded = await ask(`--post-data=${'x'.repeat(50_000)}`, 'https://api.example.com/upload');
    expect(JSON.parse(uploaded)).toMatchObject({ length: 50_000 });
  });

  it.skipIf(!has('git', '--version'))('git: clone and push', async () => {
    const root = join(world.folder, 'repositories');
    await mustRun('git', ['init', '-q', '--bare', '-b', 'main', join(root, 'a.git')]);
    await mustRun('git', ['-C', join(root, 'a.git'), 'config', 'http.receivepack', 'true']);
    const handler = world.upstream.handler;
    world.upstream.handler = answerAsGit(root, 'agent', world.canary);
    const url = `https://agent:${encodeURIComponent(placeholder)}@git.example/a.git`;
    const folder = join(world.folder, 'clone');
    await run(['git', 'clone', '-q', url, folder]);
    writeFileSync(join(folder, 'file'), 'x'.repeat(2_000_000));
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    await mustRun('git', ['-C', folder, 'add', '.']);
    await mustRun('git', ['-C', folder, ...author, 'commit', '-qm', 'one']);
    await run(['git', '-C', folder, 'push', '-q', 'origin', 'HEAD:main']);
    expect(await mustRun('git', ['-C', join(root, 'a.git'), 'log', '--format=%s', 'main'])).toBe('one\n');
    world.upstream.handler = handler;
  });

  it('npm: view and publish', async () => {
    const folder = join(world.folder, 'npm');
    mkdirSync(folder);
    const registry = 'https://registry.example/';
    writeFileSync(join(folder, '.npmrc'), `registry=${registry}\n//registry.example/:_authToken=${placeholder}\n`);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'sample', version: '1.2.4' }));
    const env = { npm_config_cache: join(folder, 'cache'), npm_config_userconfig: join(folder, '.npmrc') };
    expect(await run(['npm', 'view', 'sample', 'version'], { cwd: folder, env })).toBe('1.2.3\n');
    await run(['npm', 'publish', '--silent'], { cwd: folder, env });
    expect(world.upstream.requests.at(-1)).toMatchObject({ method: 'PUT', target: '/sample' });
  });

  it.skipIf(!has(python, '-m', 'pip', '--version'))('pip', async () => {
    const index = `https://agent:${encodeURIComponent(placeholder)}@pypi.example/simple/`;
    const out = await run([python, '-m', 'pip', 'index', 'versions', 'sample', '--index-url', index]);
    expect(out).toContain('sample (1.2.3)');
  });

  it.skipIf(!has('gh', '--version'))('gh: read and upload', async () => {
    const env = { GH_TOKEN: placeholder };
    const name = await run(['gh', 'api', 'repos/onecli/onecli', '--jq', '.full_name'], { env });
    expect(name).toBe('onecli/onecli\n');
    const uploading = ['gh', 'api', '-X', 'POST', 'repos/onecli/onecli/upload', '--input', '-', '--jq', '.length'];
    expect(await run(uploading, { env, stdin: 'x'.repeat(50_000) })).toBe('50000\n');
  });

  it.skipIf(!has('cargo', '--version'))('cargo', async () => {
    const env = {
      RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
      CARGO_HOME: join(world.folder, 'cargo'),
      CARGO_REGISTRIES_SAMPLE_INDEX: 'sparse+https://crates.example/index/',
      CARGO_REGISTRIES_SAMPLE_TOKEN: placeholder,
      CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS: 'cargo:token',
    };
    expect(await run(['cargo', 'search', 'sample', '--registry', 'sample'], { env })).toContain('sample = "1.2.3"');
  });

  it.skipIf(!has('javac', '-version'))('java.net.http.HttpClient, known by its address', async () => {
    const identities = [{ token: {} }, { source: { cidrs: ['127.0.0.0/8'] } }];
    await world.onecli.must('PUT', `/api/agents/${world.agent}`, { identities });
    const caFile = join(world.folder, 'ca.pem');
    const store = join(world.folder, 'trust.p12');
    writeFileSync(caFile, world.caPem);
    const keytool = ['-importcert', '-noprompt', '-file', caFile, '-keystore', store, '-storepass', 'changeit'];
    await mustRun('keytool', keytool);
    const trust = [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
    const source = join(scripts, 'JavaClient.java');
    const out = await mustRun('java', [...trust, source, String(world.onecli.proxyPort)], { timeoutMs: 100_000 });
    expect(JSON.parse(out)).toEqual(allOk(commandClients.java));
  });
});

describe('docs/clients.md', () => {
  it('has the table of the clients that were run', () => {
    const page = readFileSync(join(repositoryRoot, 'docs/clients.md'), 'utf8');
    expect(page).toContain(clientTable());
  });
});
