import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import type { SupervisorConfig } from './config.ts';
import { supervise } from './supervise.ts';
import type { Supervision } from './supervision.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { waitFor } from './wait-for.ts';

const standIn = (name: string) => fileURLToPath(new URL(`./testing/stand-in-${name}.mjs`, import.meta.url));
const programs = { controlPlane: standIn('control-plane'), worker: standIn('worker') };
const patience = { timeoutMs: 30_000 };
const masterKey = 'ab'.repeat(32);

let dataDir: string;
let lines: string[];
let running: Supervision[];

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function configure(environment: Record<string, string> = {}): Promise<SupervisorConfig> {
  const read = readConfig([], {
    ONECLI_DATA_DIR: dataDir,
    ONECLI_PROXY_PORT: String(await freePort()),
    ONECLI_API_PORT: String(await freePort()),
    ...environment,
  });
  if (read.kind !== 'config') throw new Error(JSON.stringify(read));
  return read.config;
}

async function start(config: SupervisorConfig): Promise<Supervision> {
  const supervision = await supervise(config, programs, (line) => lines.push(line));
  running.push(supervision);
  return supervision;
}

function untilReady(): Promise<true | undefined> {
  return waitFor(() => lines.some((line) => line.includes('OneCLI is ready')), patience);
}

async function controlPlaneFacts(config: SupervisorConfig) {
  const response = await fetch(`http://127.0.0.1:${config.apiPort}/`);
  return (await response.json()) as {
    pid: number;
    key: string;
    password?: string;
    environment: Record<string, string>;
  };
}

/** The pid of the worker that accepts; waits for one if none does yet. */
async function askWorker(config: SupervisorConfig): Promise<number> {
  const socket = connect(config.proxyPort, '127.0.0.1');
  return Number(await text(socket));
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'onecli-supervise-'));
  lines = [];
  running = [];
});

afterEach(async () => {
  for (const supervision of running) await supervision.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('supervise', () => {
  it('starts everything, shows the first password once, and makes a key that only its owner can read', async () => {
    const config = await configure();
    const first = await start(config);
    await untilReady();
    const facts = await controlPlaneFacts(config);
    expect(facts.key).toMatch(/^[0-9a-f]{64}$/);
    expect(lines.filter((line) => line.includes(facts.password ?? 'nothing'))).toHaveLength(1);
    expect(existsSync(join(dataDir, 'first-admin-password'))).toBe(false);
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(JSON.stringify(facts.environment)).not.toContain(facts.key);
    await first.stop();
    expect(await first.ended).toBe(0);

    lines.length = 0;
    await start(config);
    await untilReady();
    const again = await controlPlaneFacts(config);
    expect(again.key).toBe(facts.key);
    expect(again.password).toBeUndefined();
    expect(lines.join('\n')).not.toContain('login');
  });

  it('hands a key over that came by the environment without leaving it in any file or environment', async () => {
    const config = await configure({ ONECLI_MASTER_KEY: masterKey });
    await start(config);
    await untilReady();
    const facts = await controlPlaneFacts(config);
    expect(facts.key).toBe(masterKey);
    expect(readFileSync(`/proc/${facts.pid}/environ`, 'utf8')).not.toContain(masterKey);
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false);
  });

  it('starts a killed worker and a killed control plane again, and the port stays open meanwhile', async () => {
    const config = await configure();
    await start(config);
    await untilReady();
    const worker = await askWorker(config);
    const { pid: controlPlane } = await controlPlaneFacts(config);
    process.kill(worker, 'SIGKILL');
    process.kill(controlPlane, 'SIGKILL');
    await waitFor(() => lines.some((line) => line.startsWith('worker-1: ended')), patience);
    const connectsAtOnce = await new Promise<boolean>((resolve) => {
      const socket = connect(config.proxyPort, '127.0.0.1', () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('error', () => resolve(false));
    });
    expect(connectsAtOnce).toBe(true);
    const successor = await waitFor(
      () =>
        controlPlaneFacts(config).then(
          (facts) => facts.pid,
          () => undefined,
        ),
      patience,
    );
    expect(successor).not.toBe(controlPlane);
  });

  it('leaves no connection unanswered that arrives while the worker is down or starting', async () => {
    const config = await configure();
    await start(config);
    await untilReady();
    const killed = await askWorker(config);
    process.kill(killed, 'SIGKILL');
    const answers: Promise<number>[] = [];
    const arriving = setInterval(() => answers.push(askWorker(config).catch(() => Number.NaN)), 20);
    const hasSuccessor = () =>
      waitFor(async () => (await answers.at(-1)) !== undefined && answers.length > 40, patience);
    await hasSuccessor();
    clearInterval(arriving);
    const pids = await Promise.all(answers);
    expect(new Set(pids).has(killed)).toBe(false);
    expect(pids.filter((pid) => !(pid > 0))).toEqual([]);
  });

  it('shares the proxy port among several workers', async () => {
    const config = await configure({ ONECLI_WORKERS: '2' });
    await start(config);
    await untilReady();
    const seen = new Set<number>();
    await waitFor(async () => {
      const pids = await Promise.all(Array.from({ length: 16 }, () => askWorker(config)));
      for (const pid of pids) seen.add(pid);
      return seen.size === 2;
    }, patience);
    expect(seen.size).toBe(2);
  });

  it('stops all, with its code, when a child says that its configuration is wrong', async () => {
    const supervision = await start(await configure({ TZ: 'hopeless' }));
    expect(await supervision.ended).toBe(2);
    expect(lines).toContain('control-plane: a setting is wrong');
  });

  it('refuses a data folder that another supervisor uses, and names its process', async () => {
    await start(await configure());
    await expect(start(await configure())).rejects.toThrow(`process ${process.pid}`);
  });

  it('says which port is taken, by whom, and how to change it', async () => {
    const squatter = await listening();
    const { port } = squatter.address() as AddressInfo;
    try {
      const attempt = start(await configure({ ONECLI_API_PORT: String(port) }));
      await expect(attempt).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringMatching(new RegExp(`Port ${port} .* process ${process.pid} .*--api-port`)) as string,
      });
    } finally {
      squatter.close();
    }
  });

  it('refuses a database whose master key is missing, and makes none', async () => {
    const first = await start(await configure());
    await first.stop();
    await rm(join(dataDir, 'master.key'));
    await expect(start(await configure())).rejects.toMatchObject({ exitCode: 2 });
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false);
  });
});
