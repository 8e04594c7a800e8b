import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';

let folder: string;
let onecli: Onecli;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-wait-'));
  writeFileSync(
    join(folder, 'one.yaml'),
    'apiVersion: onecli/v1\nmanagedBy: wait\nagents: [{ name: filed, identities: [{ mtls: { commonName: filed } }] }]\n',
  );
  writeFileSync(join(folder, '.env'), 'OPENAI_API_KEY=sk-waited-for\n');
  writeFileSync(join(folder, 'none.env'), 'PORT=3000\n');
  onecli = await startOnecli();
});
afterAll(async () => {
  await onecli?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (...args: string[]) => runOnecliCommand(onecli, args, { env: { HOME: folder }, cwd: folder });

describe('a command with --wait', () => {
  it('ends when every worker has it, with 0, also when it changes nothing', async () => {
    for (const args of [
      ['agent', 'create', 'bot', '--wait'],
      ['policy', 'allow', 'bot', 'api.example.com', '--wait'],
      ['policy', 'allow', 'bot', 'api.example.com', '--wait-seconds', '20'],
      ['apply', '-f', 'one.yaml', '--yes', '--wait'],
      ['apply', '-f', 'one.yaml', '--yes', '--wait'],
      ['agent', 'delete', 'gone', '--wait'],
    ]) {
      const { code, stderr } = await cli(...args);
      expect([code, stderr], args.join(' ')).toEqual([
        0,
        expect.stringMatching(/in force at every worker \(1\), in revision \d+/),
      ]);
    }
    expect((await cli('agent', 'disable', 'bot')).stderr).not.toContain('in force');
  });

  it('ends with 0 when there was nothing to store, and tells of what was stored before', async () => {
    const inForce = 'in force at every worker (1)';
    for (const [args, told] of [
      [['.env', '--dry-run'], 'nothing was written'],
      [['none.env'], 'there is nothing to store'],
      [['.env'], inForce],
      [['.env'], inForce],
    ] as const) {
      const { code, stderr } = await cli('secret', 'import', ...args, '--wait');
      expect([code, stderr], args.join(' ')).toEqual([0, expect.stringContaining(told)]);
    }
    expect((await cli('secret', 'import', '.env', '--wait')).stderr).not.toContain('stored');
  });

  it('ends with 3 and names the worker that has it not, and the one that nobody hears of', async () => {
    const [{ name } = { name: '' }] = (await onecli.must<{ items: { name: string }[] }>('GET', '/api/workers')).items;
    const pids = onecli.pidsOf('worker');
    expect(pids.length).toBeGreaterThan(0);
    try {
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      const late = await cli('agent', 'enable', 'bot', '--wait-seconds', '1');
      expect([late.code, late.stderr]).toEqual([3, expect.stringContaining(`not applied within 1 s by ${name}`)]);
      const isSilent = async () =>
        (await onecli.must<{ items: { live: boolean }[] }>('GET', '/api/workers')).items.every(({ live }) => !live);
      await waitUntil('the worker is silent', isSilent, 30_000);
      const lost = await cli('agent', 'disable', 'bot', '--wait-seconds', '1');
      expect([lost.code, lost.stderr]).toEqual([3, expect.stringContaining(`no word from ${name}`)]);
      const gone = await cli('worker', 'forget', name, '--wait-seconds', '1');
      expect([gone.code, gone.stderr]).toEqual([3, expect.stringMatching(/^forgot .*\n.*no worker is running\n$/)]);
      expect((await cli('worker', 'list')).stderr).toContain('no worker has reported');
      expect((await cli('worker', 'forget', name)).stderr).toContain('nothing to forget');
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    await waitUntil(
      'the worker reports again',
      async () => (await cli('agent', 'enable', 'bot', '--wait')).code === 0,
      60_000,
    );
    const live = await cli('worker', 'forget', name);
    expect([live.code, live.stderr]).toEqual([1, expect.stringContaining('stop it first')]);
  });

  it.each([['0'], ['31'], ['soon']])('is called wrongly with %s seconds', async (seconds) => {
    expect((await cli('agent', 'enable', 'bot', '--wait-seconds', seconds)).code).toBe(2);
  });
});
