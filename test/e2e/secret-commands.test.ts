import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCanary } from '../support/canary.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { CommandResult } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { boundHost, putSecret, startWorld, type World } from '../support/world.ts';

interface Secret {
  readonly version: number;
  readonly binding: { readonly hosts: readonly string[] };
  readonly disabled: boolean;
  readonly expiresAt: string | null;
  readonly leaseSeconds: number | null;
}

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** Runs `onecli secret …`. */
const run = (...args: string[]): Promise<CommandResult> => runOnecliCommand(world.onecli, ['secret', ...args]);

async function succeeds(args: readonly string[], stdin = ''): Promise<CommandResult> {
  const result = await runOnecliCommand(world.onecli, ['secret', ...args], { stdin });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result;
}

/** Makes an API key, and gives what runs `onecli secret …` with it. */
async function withKey(...options: string[]): Promise<typeof run> {
  const made = await runOnecliCommand(world.onecli, ['key', 'create', ...options]);
  const env = {
    ONECLI_API_URL: world.onecli.apiUrl,
    ONECLI_DATA_DIR: join(world.folder, 'none'),
    ONECLI_API_KEY: made.stdout.trim(),
  };
  return (...args) => runOnecliCommand(world.onecli, ['secret', ...args], { env });
}

const secret = (name = 'prod/openai') => world.onecli.must<Secret>('GET', `/api/secrets/${encodeURIComponent(name)}`);

/** What arrives at the upstream when the agent sends this in place of a key, or the status with which it is refused. */
async function arriving(placeholder: string): Promise<string> {
  const connection = await world.tunnel();
  world.upstream.reset();
  connection.send(requestBytes('GET', '/v1/models', { authorization: `Bearer ${placeholder}` }));
  const { status } = await connection.readResponse();
  connection.close();
  if (status !== 200) return `refused with ${status}`;
  return world.upstream.requests[0]?.header('authorization')?.replace('Bearer ', '') ?? 'nothing';
}

const arrives = (placeholder = 'onecli://prod/openai') => expect.poll(() => arriving(placeholder));

describe('onecli secret', () => {
  it('rotate, versions, rollback and destroy: each is in force for the agent', async () => {
    const second = newCanary('second');
    expect((await succeeds(['rotate', 'prod/openai'], `${second}\n`)).stderr).toContain('prod/openai is at version 2');
    await arrives().toBe(second);
    expect((await succeeds(['versions', 'prod/openai'])).stdout).toMatch(/^2 +CURRENT .*\n1 +AVAILABLE /m);
    await succeeds(['rollback', 'prod/openai', '1']);
    await arrives().toBe(world.canary);
    await arrives('onecli://prod/openai@2').toBe(second);
    await succeeds(['destroy', 'prod/openai', '2']);
    await arrives('onecli://prod/openai@2').toBe('refused with 403');
    const versions = JSON.parse((await succeeds(['versions', 'prod/openai', '--json'])).stdout) as object[];
    expect(versions).toMatchObject([
      { version: 2, state: 'DESTROYED' },
      { version: 1, state: 'CURRENT' },
    ]);
    await succeeds(['rotate', 'prod/openai', '--generate', '--length', '32', '--alphabet', 'hex', '--prefix', 'k_']);
    await arrives().toMatch(/^k_[0-9a-f]{32}$/);
    expect(await secret()).toMatchObject({ version: 3 });
  });

  it('generate stores a new secret that nobody is shown, and gives none a new value', async () => {
    await succeeds(['generate', 'prod/made', '--host', boundHost, '--alphabet', 'digits']);
    expect(await secret('prod/made')).toMatchObject({ version: 1, binding: { hosts: [boundHost] } });
    const rules = [{ allow: { hosts: [boundHost], secrets: ['prod/made'] } }];
    await world.onecli.must('POST', '/api/policies', { name: 'made', agents: [world.agent], rules });
    await arrives('onecli://prod/made').toMatch(/^[0-9]{40}$/);
    const again = await run('generate', 'prod/made');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('secret rotate prod/made --generate') });
    expect(await secret('prod/made')).toMatchObject({ version: 1 });
  });

  it('disable says who depends on it and stops its use, and enable lets it be used again', async () => {
    const { stderr } = await succeeds(['disable', 'prod/openai']);
    expect(stderr).toMatch(
      /^policies that grant it: mallory\n.*\nagents that may use it: mallory\nlast used: .*\nprod\/openai is disabled\n$/s,
    );
    await arrives().toBe('refused with 403');
    expect(await secret()).toMatchObject({ disabled: true });
    await succeeds(['enable', 'prod/openai']);
    await arrives().toMatch(/^k_/);
    expect(await secret()).toMatchObject({ disabled: false });
    const stopper = await withKey('stopper', '--action', 'secret:update');
    expect(await stopper('disable', 'prod/openai')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^who depends on it: .*\nprod\/openai is disabled\n$/),
    });
    expect(await secret()).toMatchObject({ disabled: true });
    await succeeds(['enable', 'prod/openai']);
    const absent = await run('disable', 'prod/absent');
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('no secret') });
  });

  it('expire and lease set when its use ends, and take that back', async () => {
    await succeeds(['expire', 'prod/openai', '2020-01-31T12:00:00+01:00']);
    await arrives().toBe('refused with 403');
    expect(await secret()).toMatchObject({ expiresAt: '2020-01-31T11:00:00.000Z' });
    await succeeds(['expire', 'prod/openai', 'never']);
    await arrives().toMatch(/^k_/);
    expect(await run('expire', 'prod/openai', 'tomorrow')).toMatchObject({ code: 2 });
    await succeeds(['lease', 'prod/openai', '60']);
    expect(await secret()).toMatchObject({ expiresAt: null, leaseSeconds: 60 });
    expect(await run('lease', 'prod/openai', '1.5')).toMatchObject({ code: 2 });
    await succeeds(['lease', 'prod/openai', 'none']);
    expect(await secret()).toMatchObject({ leaseSeconds: null });
  });

  it('alias rotate prints another alias: the one before works for the grace time, or not at all', async () => {
    const rotate = async (...more: string[]) =>
      (await succeeds(['alias', 'rotate', 'prod/openai', ...more])).stdout.trim();
    const first = await rotate('--prefix', 'sk-');
    await arrives(first).toMatch(/^k_/);
    const second = await rotate('--grace', '3600');
    expect(second).toMatch(/^sk-/);
    await arrives(second).toMatch(/^k_/);
    await arrives(first).toMatch(/^k_/);
    await rotate();
    await arrives(second).not.toMatch(/^k_/);
    await arrives(first).not.toMatch(/^k_/);
  });
});

describe('onecli secret dependents and delete', () => {
  it('name what depends on a secret, and to who may not read it tell how much there is', async () => {
    await putSecret(world.onecli, 'staging/shared', newCanary('shared'), [boundHost]);
    const rules = [{ allow: { hosts: [boundHost], secrets: ['staging/shared', 'prod/stripe'] } }];
    await world.onecli.must('POST', '/api/policies', { name: 'everywhere', agents: [world.agent], rules });
    const whole = (await succeeds(['dependents', 'staging/shared'])).stdout;
    expect(whole).toMatch(/^policies that grant it: everywhere\nroutes that inject it: +none\n.*use it: mallory\n/);

    const asAdmin = await withKey('of-staging', '--role', 'admin@staging');
    const hidden = `policies that grant it: 1 that you may not see\nroutes that inject it:  none\nagents that may use it: 1 that you may not see\n`;
    expect((await asAdmin('dependents', 'staging/shared')).stdout).toMatch(
      new RegExp(`^${hidden}last used: +never\n$`),
    );
    const deleted = await asAdmin('delete', 'staging/shared', '--yes');
    expect(deleted).toMatchObject({ code: 0, stderr: expect.stringContaining(hidden) });
    expect(deleted.stderr).toMatch(/deleted staging\/shared\n$/);
    expect(deleted.stderr).not.toMatch(/everywhere|mallory/);
    expect((await world.onecli.api('GET', '/api/secrets/staging%2Fshared')).status).toBe(404);
    expect((await asAdmin('delete', 'staging/shared')).stderr).toContain('nothing to delete');
  });
});
