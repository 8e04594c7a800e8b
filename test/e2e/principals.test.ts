import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';

let onecli: Onecli;
const home = mkdtempSync(join(tmpdir(), 'onecli-principals-'));
const loginFile = join(home, 'onecli', 'login.json');
beforeAll(async () => {
  onecli = await startOnecli();
});
afterAll(async () => {
  await onecli?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** As the owner of the machine, whose data folder says how. */
const asOwner = (...args: string[]): Promise<CommandResult> => runOnecliCommand(onecli, args);
/** As somebody on another machine: his own configuration, no data folder. */
const elsewhere = (args: string[], stdin = '', env: Record<string, string> = {}): Promise<CommandResult> =>
  runOnecliCommand(onecli, args, {
    stdin,
    env: { ONECLI_API_URL: onecli.apiUrl, ONECLI_DATA_DIR: join(home, 'none'), XDG_CONFIG_HOME: home, ...env },
  });
const password = 'Wombat-Ofen-alice-7319';

describe('users, by command', () => {
  it('are invited, set their password, sign in, work within their roles, and sign out', async () => {
    const invited = await asOwner('user', 'invite', 'alice', '--role', 'admin@staging');
    expect(invited).toMatchObject({ code: 0, stdout: expect.stringMatching(/^oci_[\w-]{43}\n$/) });
    const accepted = await elsewhere(['user', 'accept'], `${invited.stdout.trim()}\n${password}\n`);
    expect(accepted).toMatchObject({ code: 0, stderr: expect.stringContaining('alice has a password') });
    const wrong = await elsewhere(['login', '--user', 'alice'], 'not the password');
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('The login is not right') });
    expect(await elsewhere(['login', '--user', 'alice'], password)).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(loginFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(loginFile, 'utf8')).not.toContain(password);

    const put = (name: string) => elsewhere(['secret', 'put', name, '--host', 'api.example.com'], 'sk-real');
    expect(await put('staging/api')).toMatchObject({ code: 0 });
    expect(await put('prod/api')).toMatchObject({ code: 1, stderr: expect.stringContaining('may not') });
    expect((await elsewhere(['user', 'list'])).code).toBe(1);

    expect(await elsewhere(['logout'])).toMatchObject({ code: 0, stderr: expect.stringContaining('signed out alice') });
    expect(existsSync(loginFile)).toBe(false);
    expect(await elsewhere(['secret', 'list'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no credentials'),
    });
  });

  it('are listed, given other roles, disabled, enabled, reset and deleted; the last owner is not', async () => {
    expect((await asOwner('user', 'role', 'alice', '--role', 'operator', '--role', 'auditor@prod,dev')).code).toBe(0);
    const list = (await asOwner('user', 'list')).stdout;
    expect(list).toMatch(/^alice +active +operator auditor@dev,prod /m);
    expect((await asOwner('user', 'disable', 'alice')).code).toBe(0);
    expect((await elsewhere(['login', '--user', 'alice'], password)).code).toBe(1);
    expect((await asOwner('user', 'enable', 'alice')).code).toBe(0);
    expect((await asOwner('user', 'reset', 'alice')).stdout).toMatch(/^oci_/);
    expect((await elsewhere(['login', '--user', 'alice'], password)).code).toBe(1);
    expect(await asOwner('user', 'delete', 'admin')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('last owner'),
    });
    expect(await asOwner('user', 'delete', 'alice')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('deleted'),
    });
  });
});

describe('API keys, by command', () => {
  it('are made, used from ONECLI_API_KEY within their limits, listed and revoked', async () => {
    const made = await asOwner(
      'key',
      'create',
      'ci',
      '--action',
      'secret:read,secret:create',
      '--environment',
      'staging',
    );
    expect(made.stdout).toMatch(/^ock_[0-9A-Za-z]{38}\n$/);
    const env = { ONECLI_API_KEY: made.stdout.trim() };
    expect((await elsewhere(['secret', 'put', 'staging/by-key'], 'x', env)).code).toBe(0);
    expect((await elsewhere(['secret', 'put', 'prod/by-key'], 'x', env)).code).toBe(1);
    expect((await elsewhere(['agent', 'list'], '', env)).code).toBe(1);
    const listed = (await asOwner('key', 'list')).stdout;
    expect(listed).toContain('secret:create secret:read');
    expect(listed).not.toContain(made.stdout.trim());
    expect((await asOwner('key', 'revoke', 'ci')).code).toBe(0);
    expect((await elsewhere(['secret', 'list'], '', env)).code).toBe(1);
  });
});

describe('onecli audit --admin', () => {
  it('shows who did what, and who was refused', async () => {
    const all = (await asOwner('audit', '--admin')).stdout;
    expect(all).toMatch(/local:local .*user:create +alice +done/);
    expect(all).toMatch(/user:alice .*secret:create +staging\/api +done/);
    const refused = (await asOwner('audit', '--admin', '--outcome', 'refused', '--json')).stdout.trim().split('\n');
    const events = refused.map((line) => JSON.parse(line) as { principal: string; reason: string });
    expect(events.map(({ reason }) => reason)).toContain('FORBIDDEN');
    expect(events.map(({ principal }) => principal)).toContain('key:ci');
    for (const secret of [password, 'sk-real', 'oci_', 'ock_', 'ocs_'])
      expect(all + refused.join('')).not.toContain(secret);
  });
});
