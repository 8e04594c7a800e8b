import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { SecretVault } from '../secrets/secret-vault.ts';
import { SecretVersionService } from '../secrets/secret-version.service.ts';
import { GuardedCaller } from './call-provider.ts';
import { RotationEngine } from './rotation-engine.ts';
import { RotationService } from './rotation.service.ts';
import { countUses } from './testing/count-uses.ts';
import { type Provider, providerHost, startProvider } from './testing/provider.ts';

const adminKey = 'admin-canary-77c1';
const firstKey = 'sk-first-canary-09';
const binding = { hosts: [providerHost], surfaces: ['header'] };
const admin = { authorization: 'Bearer onecli://prod/admin' };
const recipe = {
  create: {
    url: `https://${providerHost}/keys`,
    headers: admin,
    valuePath: '$.data[0].secret',
    keyIdPath: '$.data[0].id',
  },
  verify: { method: 'GET', url: `https://${providerHost}/me`, headers: { authorization: 'Bearer {{new}}' } },
  revoke: { method: 'DELETE', url: `https://${providerHost}/keys/{{oldKeyId}}`, headers: admin },
  verifyAttempts: 2,
  verifyEverySeconds: 0,
  watchSeconds: 0,
  graceSeconds: 0,
  currentKeyId: 'key-0',
};

let services: Awaited<ReturnType<typeof openServices>>;
let provider: Provider;
let rotations: RotationService;
let number = 0;
let name = '';

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  provider = await startProvider(adminKey);
  const { dataSource: database, change, keys } = services;
  rotations = new RotationService({ database, change, keys, vault: new SecretVault(keys) });
  await services.secrets.create(owner, { name: 'prod/admin', value: adminKey, binding });
});
afterAll(async () => {
  provider?.close();
  await services?.close();
});
beforeEach(async () => {
  provider.override = undefined;
  provider.seen.length = 0;
  provider.keys.clear();
  provider.keys.set('key-0', firstKey);
  name = `prod/rotated-${++number}`;
  await services.secrets.create(owner, { name, value: firstKey, binding });
});

/** An engine of its own, as another control plane would have: nothing of the one before is left in it. */
function newEngine(options: { allowRanges?: string[]; timeoutMs?: number } = {}): RotationEngine {
  const parsed = parseConnectTo(`${providerHost}:443=127.0.0.1:${provider.port}`);
  if (parsed.kind !== 'connect-to') throw new Error('no connect-to');
  const guard = new AddressGuard({ allowRanges: options.allowRanges ?? ['127.0.0.1/32'], ownListeners: [] });
  const caller = new GuardedCaller({
    resolver: new CheckedResolver({ guard, connectTo: parsed.connectTo }),
    secureContext: createUpstreamContext(provider.rootsPem),
    timeoutMs: options.timeoutMs ?? 5_000,
  });
  const { dataSource: database, change, keys } = services;
  return new RotationEngine({ database, change, keys, vault: new SecretVault(keys), caller });
}

const never = new AbortController().signal;
const standing = async () => (await rotations.runs(owner, name))[0];

/** Brings the run on, whenever the next step is due, until it stands at a step or has ended. */
async function until(step: string, engine = newEngine()) {
  const [run] = await rotations.runs(owner, name);
  for (let turn = 0; turn < 60; turn++) {
    const now = await standing();
    if (now === undefined || now.finishedAt !== null || now.step === step) return now;
    await engine.advance(run?.id ?? '', never);
  }
  throw new Error(`it did not come to ${step}: ${JSON.stringify(await standing())}`);
}

/** What workers use: the current value, and all that may be pinned. */
async function atWorkers() {
  const { secrets } = await services.source.changesSince(undefined);
  const secret = secrets.find((record) => record.name === name);
  if (secret === undefined) throw new Error('not there');
  const values = [...secret.versions.values()].map(({ version, sealed }): [number, string] => [
    version,
    open(services.keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed).toString(),
  ]);
  return { current: new Map(values).get(secret.currentVersion), versions: values.map(([version]) => version) };
}

async function begun(change: object = {}) {
  await rotations.put(owner, name, { ...recipe, ...change });
  return (await rotations.run(owner, name)).object;
}

const used = (version: number, uses: number, agents: readonly string[], rejected: readonly string[]) =>
  countUses(services.dataSource, `${name}@${version}`, uses, agents, rejected);

/** All that is written about it, in the clear. */
async function everythingWritten(): Promise<string> {
  const tables = ['rotation', 'rotation_run', 'admin_event', 'secret', 'secret_version', 'destroyed_version'];
  return JSON.stringify(await Promise.all(tables.map((table) => services.dataSource.query(`SELECT * FROM ${table}`))));
}

describe('a rotation by a recipe', () => {
  it('makes a key with the admin secret, tries it, switches, and ends the old key at the provider and here', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    const created = provider.keys.get('key-2') ?? 'none';
    expect(await atWorkers()).toEqual({ current: created, versions: [1, 2] });
    expect(provider.seen.map(({ method, path, authorization }) => `${method} ${path} ${authorization}`)).toEqual([
      `POST /keys Bearer ${adminKey}`,
      `GET /me Bearer ${created}`,
    ]);
    await services.dataSource.query(
      "UPDATE rotation_run SET watch_until = now() - interval '1 s', grace_until = now()",
    );
    expect(await until('never')).toMatchObject({ outcome: 'DONE', problem: null, oldVersion: 1, newVersion: 2 });
    expect([...provider.keys.keys()]).toEqual(['key-2']);
    expect(await atWorkers()).toEqual({ current: created, versions: [2] });
    const written = await everythingWritten();
    for (const value of [adminKey, firstKey, created, 'key-2']) expect(written).not.toContain(value);
  });

  it('keeps the old key when the new one does not pass its canary, and ends the new one', async () => {
    await begun({ verify: { ...recipe.verify, expectStatus: [299] } });
    expect(await until('never')).toMatchObject({ outcome: 'FAILED', problem: `${providerHost} answered 200` });
    expect([...provider.keys.keys()]).toEqual(['key-0']);
    expect(await atWorkers()).toEqual({ current: firstKey, versions: [1] });
  });

  it('rolls back by itself when the upstream rejects the new version, says so, and ends the new key', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    await used(2, 3, ['bot'], ['bot']);
    provider.keys.delete('key-2');
    expect(await until('never')).toMatchObject({ outcome: 'ROLLED_BACK' });
    expect(await atWorkers()).toEqual({ current: firstKey, versions: [1] });
    expect([...provider.keys.keys()]).toEqual(['key-0']);
    const events = await services.dataSource.query<{ detail: object }[]>(
      "SELECT detail FROM admin_event WHERE action = 'rotation:rolled-back' AND object_name = $1",
      [name],
    );
    expect(events).toMatchObject([{ detail: { finding: 'ROTATION_ROLLED_BACK', rejections: 3 } }]);
  });

  it('does not roll back for the few rejections of a key that works', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    await used(2, 100, ['bot'], []);
    await used(2, 10, ['other'], ['other']);
    await newEngine().advance((await standing())?.id ?? '', never);
    expect(await standing()).toMatchObject({ step: 'WATCHING', finishedAt: null });
    expect((await atWorkers()).versions).toEqual([1, 2]);
  });

  it('is not undone by one agent that has its requests refused on purpose, while the canary passes', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    await used(2, 50, ['mallory'], ['mallory']);
    for (let look = 0; look < 3; look++) await newEngine().advance((await standing())?.id ?? '', never);
    expect(await standing()).toMatchObject({ step: 'WATCHING', problem: expect.stringContaining('nothing else says') });
    expect((await atWorkers()).versions).toEqual([1, 2]);
    const events = await services.dataSource.query<{ detail: object }[]>(
      "SELECT detail FROM admin_event WHERE action = 'rotation:disputed' AND object_name = $1",
      [name],
    );
    expect(events).toMatchObject([{ detail: { finding: 'ROTATION_REJECTION_DISPUTED' } }]);
    await services.dataSource.query(
      "UPDATE rotation_run SET watch_until = now() - interval '1 s', grace_until = now() WHERE finished_at IS NULL",
    );
    expect(await until('never')).toMatchObject({ outcome: 'DONE' });
    expect([...provider.keys.keys()]).toEqual(['key-2']);
  });

  it('is undone when two agents are rejected, whatever the canary may do', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    await used(2, 2, ['bot'], ['bot']);
    await used(2, 2, ['other', 'third'], ['other']);
    expect(await until('never')).toMatchObject({ outcome: 'ROLLED_BACK' });
  });

  it('without a canary is undone by the only agent there is, and not by one of several', async () => {
    const { verify: _, ...blind } = recipe;
    await rotations.put(owner, name, { ...blind, watchSeconds: 60, graceSeconds: 60 });
    await rotations.run(owner, name);
    await until('WATCHING');
    await used(2, 1, ['bot'], []);
    await used(2, 9, ['mallory'], ['mallory']);
    await newEngine().advance((await standing())?.id ?? '', never);
    expect(await standing()).toMatchObject({ step: 'WATCHING' });
    await services.dataSource.query("UPDATE secret_use SET used_by = '{mallory}' WHERE used_by <> '{}'");
    expect(await until('never')).toMatchObject({ outcome: 'ROLLED_BACK' });
  });

  it('leaves a value that an admin sets meanwhile, and ends no key that may be in use', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await until('WATCHING');
    await services.secrets.put(owner, name, { value: 'by-hand' });
    expect(await until('never')).toMatchObject({ outcome: 'SUPERSEDED' });
    expect((await atWorkers()).current).toBe('by-hand');
    expect([...provider.keys.keys()]).toEqual(['key-0', 'key-2']);
  });

  it('is one at a time, and keeps the old version from being destroyed meanwhile', async () => {
    await begun({ watchSeconds: 60, graceSeconds: 60 });
    await expect(rotations.run(owner, name)).rejects.toMatchObject({ code: 'CONFLICT' });
    await until('WATCHING');
    const versions = new SecretVersionService(services.dataSource, services.change);
    await expect(versions.destroy(owner, name, 1)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(rotations.remove(owner, name)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('lets nobody go back to a version whose key is being ended', async () => {
    await begun();
    const versions = new SecretVersionService(services.dataSource, services.change);
    await until('REVOKING');
    await expect(versions.rollBack(owner, name, 1)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await until('never')).toMatchObject({ outcome: 'DONE' });
    expect((await atWorkers()).versions).toEqual([2]);
  });

  it('lets somebody go back as long as the old key is kept, and then does not end it', async () => {
    await begun();
    const versions = new SecretVersionService(services.dataSource, services.change);
    await until('GRACE');
    await versions.rollBack(owner, name, 1);
    expect(await until('never')).toMatchObject({ outcome: 'SUPERSEDED' });
    expect((await atWorkers()).current).toBe(firstKey);
    expect([...provider.keys.keys()]).toContain('key-0');
  });
});

describe('a crash in the middle', () => {
  const steps = ['CREATING', 'VERIFYING', 'SWITCHING', 'WATCHING', 'GRACE', 'REVOKING'];
  it.each(steps)(
    'of %s: another control plane brings it to its end, with one current version all the time',
    async (step) => {
      await begun();
      const run = await until(step);
      // The provider has been asked and has not answered; the process is gone.
      const gone = new AbortController();
      provider.override = () => gone.abort();
      await newEngine().advance(run?.id ?? '', gone.signal);
      provider.override = undefined;
      expect([firstKey, ...provider.keys.values()]).toContain((await atWorkers()).current);
      expect(await until('never', newEngine())).toMatchObject({ outcome: 'DONE' });
      const { current, versions } = await atWorkers();
      expect([...provider.keys.values()]).toContain(current);
      expect(versions).toHaveLength(1);
    },
  );
});

describe('a provider that is hostile, and a recipe that is', () => {
  async function problemOf(engine?: RotationEngine): Promise<string> {
    await begun();
    await services.dataSource.query('UPDATE rotation_run SET attempts = 2 WHERE finished_at IS NULL');
    return (await until('never', engine))?.problem ?? '';
  }

  it('is not followed elsewhere', async () => {
    provider.override = (_request, response) =>
      response.writeHead(302, { location: `https://${providerHost}/me` }).end();
    expect(await problemOf()).toContain(`${providerHost} answered 302`);
    expect(provider.seen).toHaveLength(1);
  });

  it('cannot fill the memory', async () => {
    let sent = 0;
    provider.override = (_request, response) => {
      const piece = Buffer.alloc(64 * 1024, 'a');
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && sent < 2 ** 30) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
      };
      more();
    };
    expect(await problemOf()).toMatch(/answered more than \d+ bytes/);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('cannot hold a run for ever', async () => {
    provider.override = (_request, response) => void response.write('{');
    expect(await problemOf(newEngine({ timeoutMs: 300 }))).toContain(`${providerHost} did not answer in time`);
  });

  it('gets no value into what is kept, by echoing it', async () => {
    provider.override = (request, response) => {
      response.writeHead(400, { 'x-echo': String(request.headers.authorization) });
      response.end(`bad key ${String(request.headers.authorization)}`);
    };
    expect(await problemOf()).toContain(`${providerHost} answered 400`);
    provider.override = (request, response) => response.end(`not json ${String(request.headers.authorization)}`);
    expect(await everythingWritten()).not.toContain(adminKey);
  });

  it.each(['127.0.0.1', '169.254.169.254', 'localhost', '[::1]'])('does not reach %s', async (host) => {
    const url = `https://${host}/keys`;
    const create = { url, valuePath: '$.key' };
    await rotations.put(owner, name, { create, watchSeconds: 0, graceSeconds: 0 });
    await rotations.run(owner, name);
    await services.dataSource.query('UPDATE rotation_run SET attempts = 2 WHERE finished_at IS NULL');
    const run = await until('never', newEngine({ allowRanges: [] }));
    expect(run).toMatchObject({ outcome: 'FAILED', problem: expect.stringContaining('an address that is refused') });
  });

  it('does not get a secret that is not bound to it', async () => {
    const evil = { ...recipe, create: { ...recipe.create, url: 'https://evil.example/keys' } };
    const refused = { code: 'INVALID', field: 'create' };
    await expect(rotations.put(owner, name, evil)).rejects.toMatchObject(refused);
    const inBody = { ...recipe.create, body: '{"key":"onecli://prod/admin"}' };
    await expect(rotations.put(owner, name, { ...recipe, create: inBody })).rejects.toMatchObject(refused);
    const itself = { ...recipe, verify: { ...recipe.verify, url: 'https://evil.example/me' } };
    await expect(rotations.put(owner, name, itself)).rejects.toMatchObject({ code: 'INVALID', field: 'verify' });
    // The binding is changed after the recipe was written.
    await begun();
    await services.secrets.put(owner, 'prod/admin', { binding: { hosts: ['other.example'], surfaces: ['header'] } });
    await services.dataSource.query('UPDATE rotation_run SET attempts = 2 WHERE finished_at IS NULL');
    expect((await until('never'))?.problem).toContain('is not bound to');
    expect(provider.seen).toEqual([]);
    await services.secrets.put(owner, 'prod/admin', { binding });
  });

  it('sends what the provider calls a key, which may be the key itself, only where a secret of that request goes', async () => {
    const keyId = { ...recipe.create, keyIdPath: '$.data[0].secret' };
    const verify = { method: 'GET', url: 'https://evil.example/{{newKeyId}}' };
    const refused = { code: 'INVALID', field: 'verify' };
    await expect(rotations.put(owner, name, { ...recipe, create: keyId, verify })).rejects.toMatchObject(refused);
    const inHeader = { method: 'GET', url: 'https://evil.example/', headers: { 'x-id': '{{oldKeyId}}' } };
    await expect(rotations.put(owner, name, { ...recipe, verify: inHeader })).rejects.toMatchObject(refused);
    // Both bindings are changed after the recipe was written: the one of the request covers its host, or nothing is sent.
    await rotations.put(owner, name, { ...recipe, revoke: { ...recipe.revoke, headers: {} }, watchSeconds: 0 });
    await rotations.run(owner, name);
    await until('REVOKING');
    await services.secrets.put(owner, name, { binding: { hosts: ['other.example'], surfaces: ['header'] } });
    provider.seen.length = 0;
    await newEngine().advance((await standing())?.id ?? '', never);
    expect((await standing())?.problem).toContain('is not bound to');
    expect(provider.seen).toEqual([]);
  });

  it.each([
    ['{"key":"{{new}}"}', true],
    ['{"key":"x","note":"{{new}}"}', false],
  ])('puts a secret into a JSON body where its binding says: %s', async (body, isLet) => {
    const places = { hosts: [providerHost], surfaces: ['header', 'json'], jsonPaths: ['$.key'] };
    await services.secrets.put(owner, name, { binding: places });
    const deliver = { url: `https://${providerHost}/deliver`, body };
    const put = rotations.put(owner, name, { generate: {}, deliver });
    if (isLet) expect(await put).toMatchObject({ change: 'CREATED' });
    else await expect(put).rejects.toMatchObject({ code: 'INVALID', field: 'deliver' });
  });

  it.each([
    [{}, 'create'],
    [{ ...recipe, generate: {} }, 'create'],
    [{ ...recipe, create: { ...recipe.create, url: 'http://provider.example/' } }, 'create.url'],
    [{ ...recipe, create: { ...recipe.create, url: 'https://u:p@provider.example/' } }, 'create.url'],
    [{ ...recipe, create: { ...recipe.create, url: 'https://{{secret}}/' } }, 'create.url'],
    [{ ...recipe, create: { ...recipe.create, headers: { host: 'x' } } }, 'create.headers'],
    [{ ...recipe, create: { ...recipe.create, headers: { 'X-A': 'x', 'x-a': 'y' } } }, 'create.headers'],
    [{ ...recipe, create: { ...recipe.create, valuePath: '$.*' } }, 'create.valuePath'],
    [{ ...recipe, create: { ...recipe.create, body: '{{admin}}' } }, 'create.body'],
    [{ ...recipe, watchSeconds: 10 }, 'graceSeconds'],
    [{ ...recipe, schedule: 'daily' }, 'schedule'],
    [{ ...recipe, schedule: '* * * * * *' }, 'schedule'],
    [{ ...recipe, schedule: '0 0 31 2 *' }, 'schedule'],
    [{ ...recipe, zone: 'Mars/Olympus' }, 'zone'],
  ])('is refused when it is not well-formed: %#', async (input, field) => {
    await expect(rotations.put(owner, name, input)).rejects.toMatchObject({ code: 'INVALID', field });
  });

  it('is not written by who may not use its secrets', async () => {
    const local = { ...owner, assignments: [{ role: 'owner' as const, environments: ['staging'] }] };
    await services.secrets.create(owner, { name: `staging/own-${number}`, value: 'x', binding });
    await expect(rotations.put(local, `staging/own-${number}`, recipe)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const auditor = { ...owner, assignments: everywhere('auditor') };
    await expect(rotations.put(auditor, name, recipe)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(rotations.run(auditor, name)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
