import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/support/fresh-database.ts';
import { basic } from './api/testing/serve.ts';
import { Process, processEnvironment } from './testing/process.ts';

const password = 'a-password-for-this-test';
const processes: Process[] = [];
function start(environment: Record<string, string>): Process {
  const one = new Process(environment);
  processes.push(one);
  return one;
}
afterEach(async () => {
  for (const one of processes.splice(0)) await one.kill();
});

async function environment(): ReturnType<typeof processEnvironment> {
  return processEnvironment(await freshDatabase(), password);
}

describe('the control plane’s process', () => {
  it('serves, says that it is ready, ends with 0 on SIGTERM, and logs neither key nor password', async () => {
    const settings = await environment();
    const one = start(settings);
    await one.ready();
    const url = `http://127.0.0.1:${settings.ONECLI_API_PORT}`;
    expect((await fetch(`${url}/api/secrets`, { headers: basic('admin', password) })).status).toBe(200);
    expect((await fetch(`${url}/api/secrets`, { headers: basic('admin', 'wrong-password') })).status).toBe(401);
    one.child.kill('SIGTERM');
    expect(await one.exitCode()).toBe(0);
    for (const line of one.output.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
    for (const text of [password, 'wrong-password', settings.ONECLI_MASTER_KEY, settings.DATABASE_URL])
      expect(one.output).not.toContain(text);
  });

  it('ends by itself when the process that started it is gone', async () => {
    const one = start(await environment());
    await one.ready();
    one.child.disconnect();
    expect(await one.exitCode()).toBe(0);
  });

  it('lists every fault of its configuration and ends with 2', async () => {
    const one = start({ ONECLI_MASTER_KEY: 'short-canary', ONECLI_API_PORT: 'x' });
    expect(await one.exitCode()).toBe(2);
    for (const name of ['DATABASE_URL', 'ONECLI_MASTER_KEY', 'ONECLI_API_PORT'])
      expect(one.output).toContain(`${name}:`);
    expect(one.output).not.toContain('canary');
  });

  it('ends with 2 for another master key than the database’s, and writes nothing', async () => {
    const settings = await environment();
    const first = start(settings);
    await first.ready();
    first.child.kill('SIGTERM');
    await first.exitCode();
    const wrong = start({ ...settings, ONECLI_MASTER_KEY: 'cd'.repeat(32) });
    expect(await wrong.exitCode()).toBe(2);
    expect(wrong.output).toContain('ONECLI_MASTER_KEY is not the master key of this database');
  });

  it('ends with 2 without a password when there is no user yet', async () => {
    const { ONECLI_ADMIN_PASSWORD: _, ...settings } = await environment();
    const one = start(settings);
    expect(await one.exitCode()).toBe(2);
    expect(one.output).toContain('ONECLI_ADMIN_PASSWORD: is not set');
  });

  it('takes a password of the configuration that a user could not set, and says so in the log, without it', async () => {
    const weak = 'password1';
    const one = start({ ...(await environment()), ONECLI_ADMIN_PASSWORD: weak });
    await one.ready();
    const warnings = one.output.split('\n').filter((line) => line.includes('ONECLI_ADMIN_PASSWORD'));
    expect(warnings).toEqual([expect.stringMatching(/"level":"warn".*at least 12 characters/)]);
    expect(one.output).not.toContain(weak);
    const good = start(await environment());
    await good.ready();
    expect(good.output).not.toContain('ONECLI_ADMIN_PASSWORD');
  });

  it('ends with 4 when the port is taken, and names it and the variable', async () => {
    const settings = await environment();
    const other = createServer().listen(Number(settings.ONECLI_API_PORT), '127.0.0.1');
    await once(other, 'listening');
    try {
      const one = start(settings);
      expect(await one.exitCode()).toBe(4);
      expect(one.output).toContain(`Port ${settings.ONECLI_API_PORT} on 127.0.0.1 is taken`);
      expect(one.output).toContain('ONECLI_API_PORT');
    } finally {
      other.close();
    }
  });
});
