import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { launchOnecli, type Onecli, startOnecli } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let onecli: Onecli;
let folder: string;
const backup = () => join(folder, 'onecli.backup');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-backup-'));
  world = await startWorld({ start: { dataFolder: join(folder, 'data') } });
  onecli = world.onecli;
});
afterAll(async () => {
  await onecli?.destroy();
  await world?.stop().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

const again = () => ({
  dataFolder: onecli.dataFolder,
  ports: [onecli.proxyPort, onecli.apiPort] as [number, number],
  upstreamCaFile: join(world.folder, 'upstream-roots.pem'),
  connectTo: [`api.openai.com:443=127.0.0.1:${world.upstream.port}`].join(','),
});

async function stop(): Promise<void> {
  onecli.child.kill('SIGTERM');
  await onecli.exitCode(40_000);
}

/** What arrives at the upstream for the agent's placeholder. */
async function keySent(): Promise<string | undefined> {
  const connection = await world.tunnel();
  connection.send(requestBytes('GET', '/v1/probe', { authorization: 'Bearer onecli://prod/openai' }));
  expect((await connection.readResponse()).status).toBe(200);
  connection.close();
  return world.upstream.requests.at(-1)?.header('authorization');
}

const run = (args: readonly string[]) => runOnecliCommand(onecli, args);

describe('onecli backup, restore and keys rekey', () => {
  it('writes one sealed file while running, which holds no value and no name', async () => {
    await onecli.must('POST', '/api/users', { name: 'removed', roles: [{ role: 'auditor', environments: ['*'] }] });
    const { code, stderr } = await run(['backup', backup()]);
    expect(code, stderr).toBe(0);
    const content = readFileSync(backup()).toString('latin1');
    expect(content.startsWith('ONECLI-BACKUP\n')).toBe(true);
    for (const canary of [...world.canaries, 'prod/openai']) expect(content).not.toContain(canary);
    expect((await run(['backup', '/nowhere/x'])).code).toBe(1);
    expect(existsSync('/nowhere')).toBe(false);
  });

  it('is not restored beside a running product, nor over data, nor when a byte is altered', async () => {
    expect((await run(['restore', backup(), '--confirm'])).code).toBe(4);
    await onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value: 'value-after-the-backup' });
    await onecli.must('DELETE', '/api/secrets/prod%2Fstripe');
    await onecli.must('DELETE', '/api/users/removed');
    await waitUntil('the list of destroyed values is written', () =>
      existsSync(join(onecli.dataFolder, 'destroyed.list')),
    );
    await stop();
    const overData = await run(['restore', backup(), '--confirm']);
    expect([overData.code, overData.stderr]).toEqual([1, expect.stringContaining('not empty')]);
    const altered = readFileSync(backup());
    altered.writeUInt8(altered.readUInt8(altered.length - 50) ^ 1, altered.length - 50);
    writeFileSync(join(folder, 'altered'), altered);
    const refused = await run(['restore', join(folder, 'altered'), '--replace', '--confirm']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('altered or cut short')]);
  });

  it('comes into force when it is confirmed, and what was destroyed since stays dead', async () => {
    const restored = await run(['restore', backup(), '--replace']);
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('until you confirm it')]);
    expect(restored.stderr).toContain('1 values that were destroyed since stay destroyed');
    onecli = await launchOnecli(again());
    await waitUntil(
      'the API is ready',
      async () => {
        const answer = await callApi(onecli.apiUrl, 'GET', '/readyz').catch(() => undefined);
        return answer?.status === 200;
      },
      60_000,
    );
    // A worker that has a good configuration from before keeps it.
    await waitUntil('the worker refuses it', () => onecli.log.includes('nobody has confirmed it'), 30_000);
    expect((await run(['user', 'list'])).stdout).toMatch(/^removed +invited \(held\) /m);
    expect((await run(['user', 'enable', 'removed'])).stderr).toContain('onecli restore --confirm');
    expect((await run(['user', 'disable', 'removed'])).code).toBe(0);
    expect((await run(['restore', '--confirm'])).code).toBe(0);
    expect((await run(['user', 'list'])).stdout).toMatch(/^removed +disabled +auditor/m);
    await onecli.ready(60_000);
    await waitUntil('the worker takes it', async () => (await keySent()) === `Bearer ${world.canary}`, 20_000);
    expect((await onecli.api('GET', '/api/secrets/prod%2Fstripe')).status).toBe(404);
  });

  it('replaces the master key, and everything opens: tokens, secrets, the authority', async () => {
    const before = readFileSync(join(onecli.dataFolder, 'master.key'), 'utf8');
    expect((await run(['keys', 'rekey'])).code).toBe(4);
    await stop();
    copyFileSync(join(onecli.dataFolder, 'master.key'), join(folder, 'old.key'));
    const { code, stderr } = await run(['keys', 'rekey']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('the master key is replaced')]);
    expect(readFileSync(join(onecli.dataFolder, 'master.key'), 'utf8')).not.toBe(before);
    onecli = await startOnecli(again());
    expect(await keySent()).toBe(`Bearer ${world.canary}`);
    await stop();
    const key = join(onecli.dataFolder, 'master.key');
    renameSync(key, join(folder, 'new.key'));
    copyFileSync(join(folder, 'old.key'), key);
    onecli = await launchOnecli(again());
    expect(await onecli.exitCode(60_000)).toBe(2);
    renameSync(join(folder, 'new.key'), key);
  });

  it('takes a key of the operator into the data folder, and starts with it', async () => {
    const file = join(folder, 'own.key');
    writeFileSync(file, 'no key');
    const bad = await run(['keys', 'rekey', '--new-key-file', file]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('64 hexadecimal digits')]);
    writeFileSync(file, `${'0ddba11f'.repeat(8)}\n`);
    const { code, stderr } = await run(['keys', 'rekey', '--new-key-file', file]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('The new master key is in')]);
    const key = join(onecli.dataFolder, 'master.key');
    expect([readFileSync(key, 'utf8'), existsSync(`${key}.next`)]).toEqual([readFileSync(file, 'utf8'), false]);
    onecli = await startOnecli(again());
    expect(await keySent()).toBe(`Bearer ${world.canary}`);
  });

  it('opens a backup with the file that its passphrase came from, whatever stands below', async () => {
    const [pass, path] = [join(folder, 'pass'), join(folder, 'moved.backup')];
    writeFileSync(pass, 'correct horse battery staple\nof Monday\n');
    const lost = await run(['backup', path, '--passphrase-file', join(folder, 'none')]);
    expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('passphrase cannot be read')]);
    expect((await run(['backup', path, '--passphrase-file', pass])).code).toBe(0);
    await stop();
    const without = await run(['restore', path, '--replace', '--confirm']);
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('is under a passphrase')]);
    const { code, stderr } = await run(['restore', path, '--replace', '--confirm', '--passphrase-file', pass]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('confirmed')]);
  });

  it.each(['before', 'after'] as const)(
    'finishes a rekey that was killed %s the database had the new key',
    async (when) => {
      const key = join(onecli.dataFolder, 'master.key');
      const next = `${key}.next`;
      copyFileSync(key, join(folder, 'old.key'));
      if (when === 'after') {
        expect((await run(['keys', 'rekey'])).code).toBe(0);
        renameSync(key, next);
        copyFileSync(join(folder, 'old.key'), key);
      } else {
        writeFileSync(next, `${'c0ffee00'.repeat(8)}\n`, { mode: 0o600 });
      }
      const wanted = readFileSync(next, 'utf8');
      onecli = await startOnecli(again());
      expect([existsSync(next), readFileSync(key, 'utf8') === wanted]).toEqual([false, true]);
      expect(await keySent()).toBe(`Bearer ${world.canary}`);
      await stop();
    },
  );
});
