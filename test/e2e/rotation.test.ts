import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCanary } from '../support/canary.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import type { RecordedRequest, Reply } from '../support/upstream-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, putSecret, startWorld, type World } from '../support/world.ts';

interface Run {
  readonly id: string;
  readonly step: string;
  readonly outcome: string | null;
  readonly cause: string;
  readonly newVersion: number | null;
}

const keysHost = 'keys.provider.example';
const hookHost = 'hook.example';
const signingKey = newCanary('hook');
const adminKey = newCanary('admin');

/** A provider of keys, and the service that takes them: what it accepts now, by the name of the key. */
class Provider {
  readonly accepted = new Map<string, string>();
  readonly #byRun = new Map<string, string>();
  /** Calls of this kind are not answered: somebody dies meanwhile. */
  held: 'verify' | 'revoke' | undefined;
  isHolding = false;
  isRefusingNew = false;
  /** Once an agent sends another key than this one, that works no more. */
  kept: string | undefined;
  readonly #withdrawn = new Set<string>();
  hooks = 0;

  async answer(request: RecordedRequest, reply: Reply): Promise<void> {
    const body = (await request.body()).toString();
    const host = request.header('host');
    if (host === hookHost) return this.#hook(request, reply, body);
    if (host === keysHost) return this.#keys(request, reply);
    const key = request.header('authorization')?.replace('Bearer ', '') ?? '';
    if (request.target === '/v1/me' && this.#isHeld('verify')) return;
    const isNew = request.target === '/v1/me' && this.isRefusingNew;
    if (request.target === '/v1/load' && this.kept !== undefined && key !== this.kept) this.#withdrawn.add(key);
    const isGood = [...this.accepted.values()].includes(key) && !this.#withdrawn.has(key);
    reply.json(isGood && !isNew ? 200 : 401, {});
  }

  /** The same run gets the same key. */
  #keys(request: RecordedRequest, reply: Reply): void {
    if (request.header('authorization') !== `Bearer ${adminKey}`) return reply.json(403, {});
    if (request.method === 'DELETE') {
      if (this.#isHeld('revoke')) return;
      return reply.json(this.accepted.delete(request.target.split('/').at(-1) ?? '') ? 200 : 404, {});
    }
    const id = request.header('idempotency-key') ?? '';
    if (!this.#byRun.has(id)) this.#byRun.set(id, newCanary('made'));
    const value = this.#byRun.get(id) ?? '';
    this.accepted.set(id, value);
    reply.json(201, { key: { id, secret: value } });
  }

  #hook(request: RecordedRequest, reply: Reply, body: string): void {
    const [, time, signature] = /^t=([0-9]+),v1=([0-9a-f]{64})$/.exec(request.header('x-onecli-signature') ?? '') ?? [];
    const expected = createHmac('sha256', signingKey).update(`${time}.${body}`).digest('hex');
    const asked = JSON.parse(body) as { event: string; secret: string };
    if (signature !== expected || asked.event !== 'rotate') return reply.json(403, {});
    this.hooks += 1;
    reply.json(200, { value: `hooked-${this.hooks}-${asked.secret}` });
  }

  #isHeld(what: Provider['held']): boolean {
    this.isHolding ||= this.held === what;
    return this.held === what;
  }
}

let world: World;
let load: SteadyLoad;
const provider = new Provider();
const path = '/api/rotations/prod%2Fopenai';
const admin = { authorization: 'Bearer onecli://prod/provider-admin' };
const recipe = {
  create: { url: `https://${keysHost}/v1/keys`, headers: admin, valuePath: '$.key.secret', keyIdPath: '$.key.id' },
  verify: { method: 'GET', url: `https://${boundHost}/v1/me`, headers: { authorization: 'Bearer {{new}}' } },
  revoke: { method: 'DELETE', url: `https://${keysHost}/v1/keys/{{oldKeyId}}`, headers: admin },
  currentKeyId: 'first',
  verifyAttempts: 2,
  verifyEverySeconds: 0,
  watchSeconds: 1,
  graceSeconds: 1,
};

beforeAll(async () => {
  world = await startWorld({ hosts: [keysHost, hookHost] });
  provider.accepted.set('first', world.canary);
  world.upstream.handler = (request, reply) => provider.answer(request, reply);
  await putSecret(world.onecli, 'prod/provider-admin', adminKey, [keysHost]);
  await putSecret(world.onecli, 'prod/hook', signingKey, [hookHost]);
  await putSecret(world.onecli, 'prod/hooked', 'hooked-0', [boundHost]);
  load = new SteadyLoad(world, { tunnels: 3, pauseMs: 10 });
});
afterAll(async () => {
  await load?.end();
  await world?.stop();
});

const cli = (...args: string[]) => runOnecliCommand(world.onecli, args, { env: { HOME: world.folder } });
const runs = async (of = path): Promise<Run[]> =>
  (await world.onecli.must<{ items: Run[] }>('GET', `${of}/runs`)).items;
const ended = (id: string): Promise<Run> =>
  waitUntil(
    'the run has ended',
    async () => {
      const run = (await runs().catch(() => [])).find((one) => one.id === id);
      return run?.outcome != null && (run as { finishedAt?: string }).finishedAt != null ? run : undefined;
    },
    60_000,
  );
const begin = async (): Promise<string> => (await world.onecli.must<Run>('POST', `${path}/runs`)).id;
const switches = async (): Promise<number> =>
  (
    await world.onecli.must<{ items: unknown[] }>(
      'GET',
      '/api/admin-events?action=rotation:switched&object=prod%2Fopenai&limit=200',
    )
  ).items.length;

/** kill -9 of the control plane, and its return. */
async function crash(): Promise<void> {
  world.onecli.kill('control-plane');
  provider.held = undefined;
  provider.isHolding = false;
  await world.onecli.ready();
}

describe('a rotation, while agents use the secret', () => {
  it('is set, begun, followed and listed by the command line; no request fails, and the old key is ended', async () => {
    const file = join(world.folder, 'recipe.json');
    writeFileSync(file, JSON.stringify(recipe));
    const hooked = join(world.folder, 'hook.json');
    const webhook = { url: `https://${hookHost}/rotate`, secret: 'prod/hook' };
    writeFileSync(hooked, JSON.stringify({ webhook, schedule: '* * * * *', watchSeconds: 0, graceSeconds: 0 }));
    expect(await cli('rotation', 'put', 'prod/openai', '-f', file)).toMatchObject({ code: 0 });
    expect(await cli('rotation', 'put', 'prod/hooked', '-f', hooked)).toMatchObject({ code: 0 });
    const list = await cli('rotation', 'list');
    expect(list.stdout).toMatch(/prod\/hooked +\* \* \* \* \* UTC +20[0-9-]+T/);
    expect(list.stdout).toMatch(/prod\/openai +- /);
    await load.serves(50);
    expect(await cli('rotation', 'run', 'prod/openai')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('prod/openai is at version 2') as string,
    });
    expect((await world.onecli.api('POST', `${path}/runs`)).status).toBe(409);
    const [run] = await runs();
    expect(await ended(run?.id ?? '')).toMatchObject({ outcome: 'DONE', newVersion: 2 });
    expect([...provider.accepted.keys()]).toEqual([run?.id]);
    expect((await cli('rotation', 'status', 'prod/openai')).stdout).toMatch(/DONE +1 -> 2/);
    await load.serves(50);
    expect(load.failures).toEqual([]);
  });

  it.each(['verify', 'revoke'] as const)(
    'whose control plane is killed while the provider is asked to %s goes on after it: one switch, one key, no failed request',
    async (held) => {
      const before = await switches();
      provider.held = held;
      const id = await begin();
      await waitUntil('the provider is asked', () => provider.isHolding, 30_000);
      await crash();
      expect(await ended(id)).toMatchObject({ outcome: 'DONE' });
      expect([await switches(), [...provider.accepted.keys()]]).toEqual([before + 1, [id]]);
      await load.serves(50);
      expect(load.failures).toEqual([]);
    },
  );

  it('whose control plane is killed while the new version is watched goes on after it', async () => {
    const before = await switches();
    const id = await begin();
    await waitUntil(
      'it is watched',
      async () => (await runs()).find((one) => one.id === id)?.step === 'WATCHING',
      30_000,
    );
    await crash();
    expect(await ended(id)).toMatchObject({ outcome: 'DONE' });
    expect([await switches(), [...provider.accepted.keys()]]).toEqual([before + 1, [id]]);
    expect(load.failures).toEqual([]);
  });

  it('whose control plane is killed while the new key is ended again leaves the old one, and no other', async () => {
    const before = await switches();
    const old = [...provider.accepted.keys()];
    provider.isRefusingNew = true;
    provider.held = 'revoke';
    const id = await begin();
    await waitUntil('the new key is to be ended', () => provider.isHolding, 30_000);
    await crash();
    expect(await ended(id)).toMatchObject({ outcome: 'FAILED' });
    provider.isRefusingNew = false;
    expect([await switches(), [...provider.accepted.keys()]]).toEqual([before, old]);
    const run = await cli('rotation', 'status', 'prod/openai');
    expect(run.stdout).toContain('FAILED');
    await load.serves(50);
    expect(load.failures).toEqual([]);
  });

  it('is rolled back when the upstream refuses agents the new key after it passed its canary request', async () => {
    const [old = '', kept = ''] = [...provider.accepted].at(-1) ?? [];
    await world.onecli.must('PUT', path, { ...recipe, watchSeconds: 60, graceSeconds: 60 });
    provider.kept = kept;
    const id = await begin();
    expect(await ended(id)).toMatchObject({ outcome: 'ROLLED_BACK' });
    provider.kept = undefined;
    const refused = load.failures.splice(0);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused.filter((failure) => !failure.startsWith('401 '))).toEqual([]);
    expect([...provider.accepted]).toEqual([[old, kept]]);
    world.upstream.reset();
    await load.serves(50);
    expect(load.failures).toEqual([]);
    const sent = world.upstream.requests.map((one) => one.header('authorization'));
    expect(new Set(sent)).toEqual(new Set([`Bearer ${kept}`]));
    const { items } = await world.onecli.must<{ items: { detail: { run: string } }[] }>(
      'GET',
      '/api/admin-events?action=rotation:rolled-back&object=prod%2Fopenai',
    );
    expect(items).toMatchObject([{ detail: { run: id, finding: 'ROTATION_ROLLED_BACK' } }]);
    const secret = await world.onecli.must<{ lastUsedAt: string }>('GET', '/api/secrets/prod%2Fopenai');
    expect(Date.now() - Date.parse(secret.lastUsedAt)).toBeLessThan(60_000);
  });

  it('is cancelled by the command line while the new version is watched: the old one is back, and the new key is ended', async () => {
    const old = [...provider.accepted.keys()];
    await world.onecli.must('PUT', path, { ...recipe, watchSeconds: 600, graceSeconds: 600 });
    expect((await cli('rotation', 'run', 'prod/openai', '--no-wait')).stderr).toContain('begun: ');
    await waitUntil('it is watched', async () => (await runs())[0]?.step === 'WATCHING', 30_000);
    const cancelled = await cli('rotation', 'cancel', 'prod/openai');
    expect(cancelled, cancelled.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('cancelled: ') as string,
    });
    expect(await ended((await runs())[0]?.id ?? '')).toMatchObject({ outcome: 'CANCELLED' });
    expect([...provider.accepted.keys()]).toEqual(old);
    const again = await cli('rotation', 'cancel', 'prod/openai');
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No rotation of prod/openai is under way') as string,
    });
    await load.serves(50);
    expect(load.failures).toEqual([]);
  });

  it('is done by its schedule, through a webhook that is signed; then it is deleted by the command line', async () => {
    const of = '/api/rotations/prod%2Fhooked';
    const done = await waitUntil(
      'the schedule has come',
      async () => (await runs(of)).find(({ outcome }) => outcome === 'DONE'),
      90_000,
    );
    expect(done).toMatchObject({ cause: 'schedule' });
    expect(provider.hooks).toBeGreaterThan(0);
    await waitUntil('nothing is under way', async () => (await cli('rotation', 'delete', 'prod/hooked')).code === 0);
    expect((await cli('rotation', 'list')).stdout).not.toContain('prod/hooked');
    expect(await load.end()).toEqual([]);
  });
});
