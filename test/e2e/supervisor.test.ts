import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/process-facts.ts';
import { launchOnecli, type Onecli, startOnecli } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';

let dataFolder: string;
const started: Onecli[] = [];
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'onecli-data-'));
});
afterEach(async () => {
  for (const onecli of started.splice(0)) await onecli.destroy();
  rmSync(dataFolder, { recursive: true, force: true });
});

async function start(): Promise<Onecli> {
  const onecli = await startOnecli({ dataFolder });
  started.push(onecli);
  return onecli;
}

async function launch(ports?: readonly [number, number]): Promise<Onecli> {
  const onecli = await launchOnecli({ dataFolder, ...(ports !== undefined && { ports }) });
  started.push(onecli);
  return onecli;
}

describe('supervisor', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s stops everything, exit 0', async (signal) => {
    const onecli = await start();
    const pids = onecli.processes().map((one) => one.pid);
    expect(pids.length).toBeGreaterThan(3);
    onecli.child.kill(signal);
    expect(await onecli.exitCode()).toBe(0);
    await waitUntil('every process is gone', () => pids.every((pid) => !isAlive(pid)));
  });

  it('a second one on the same data folder refuses and the first goes on', async () => {
    const first = await start();
    const second = await launch();
    expect(await second.exitCode()).toBe(4);
    expect(second.log).toMatch(/uses this data folder/);
    await first.ready();
    expect((await first.api('GET', '/api/secrets')).status).toBe(200);
  });

  it.each([
    ['proxy', 'ONECLI_PROXY_PORT'],
    ['api', 'ONECLI_API_PORT'],
  ] as const)('a taken %s port: says which, and how to change it', async (which, variable) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const free = await freePort();
    const onecli = await launch(which === 'proxy' ? [port, free] : [free, port]);
    expect(await onecli.exitCode(30_000)).toBe(4);
    expect(onecli.log).toContain(String(port));
    expect(onecli.log).toContain(variable);
    taken.close();
  });

  it('starts again after kill -9 of everything', async () => {
    const first = await start();
    await first.must('POST', '/api/agents', { name: 'survivor', identities: [{ token: {} }] });
    for (const { pid } of first.processes()) killIfThere(pid);
    await first.exitCode();
    const second = await start();
    expect((await second.api('GET', '/api/agents')).text).toContain('survivor');
  });

  it('starts again after kill -9 of the supervisor alone, whatever it left behind', async () => {
    const first = await start();
    first.kill('supervisor');
    await first.exitCode();
    const second = await launch();
    await second.ready(60_000);
    expect((await second.api('GET', '/api/agents')).status).toBe(200);
  });

  it('the generated master key and the local access are for the owner alone', async () => {
    const onecli = await start();
    const modes = execFileSync('find', [onecli.dataFolder, '-maxdepth', '1', '-type', 'f', '-printf', '%f %m\n'], {
      encoding: 'utf8',
    });
    for (const line of modes
      .trim()
      .split('\n')
      .filter((one) => /key|access/.test(one)))
      expect(line).toMatch(/ 600$/);
    expect(modes).toMatch(/key/);
    expect(statSync(join(onecli.dataFolder, 'local-access.json')).mode & 0o077).toBe(0);
  });

  it('start-up and idle memory, for the record', async () => {
    const before = performance.now();
    const onecli = await start();
    const firstMs = performance.now() - before;
    onecli.child.kill('SIGTERM');
    await onecli.exitCode();
    const beforeSecond = performance.now();
    const second = await start();
    const secondMs = performance.now() - beforeSecond;
    const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
    const parts = (['worker', 'control-plane', 'postgres', 'supervisor'] as const).map(
      (part) => `${part} ${megabytes(second.residentBytes(part))} MB`,
    );
    console.log(
      `ready after ${firstMs.toFixed(0)} ms on a new folder, ${secondMs.toFixed(0)} ms on an existing one; idle: ${parts.join(', ')}`,
    );
    expect(second.pidsOf('worker')).toHaveLength(1);
  });
});

describe.skipIf(process.getuid?.() !== 0)('as an ordinary user (skipped unless the tests run as root)', () => {
  it('starts in a folder that the user owns', async () => {
    chmodSync(dataFolder, 0o777);
    execFileSync('chown', ['65534:65534', dataFolder]);
    const onecli = await launchOnecli({ dataFolder, uid: 65_534 });
    started.push(onecli);
    await onecli.ready();
    expect((await onecli.api('GET', '/api/secrets')).status).toBe(200);
    expect(await onecli.stop()).toBe(0);
  });
});

/** Children end by themselves as soon as their parent is gone: one may have been quicker. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
