import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import { SecretUse } from './secret-use.ts';

let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());

const binding = { hosts: ['api.example.com'], surfaces: ['header'] };

/** A secret whose versions have these values, the last one current. */
async function made(name: string, values: readonly string[], more: object = {}): Promise<string> {
  for (const value of values) await services.secrets.upsert(owner, { name, value, binding, ...more });
  return name;
}

/** What workers are given of a secret: its current value, and each version that may be pinned. */
async function atWorkers(name: string): Promise<{ current: string; versions: Record<number, string> }> {
  const { secrets } = await services.source.changesSince(undefined);
  const secret = secrets.find((record) => record.name === name);
  if (secret === undefined) throw new Error(`no ${name}`);
  const versions = [...secret.versions.values()].map(({ version, sealed }): [number, string] => [
    version,
    open(services.keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed).toString(),
  ]);
  const byVersion = Object.fromEntries(versions);
  return { current: byVersion[secret.currentVersion] ?? 'none', versions: byVersion };
}

const states = async (name: string) =>
  (await services.secretVersions.list(owner, name)).map(({ version, state }) => `${version} ${state}`);
const events = async (name: string) =>
  (
    await services.dataSource.query<{ action: string; principal: string; detail: object }[]>(
      'SELECT action, principal, detail FROM admin_event WHERE object_name = $1 ORDER BY at, action',
      [name],
    )
  ).map(({ action, detail }) => ({ action, detail }));

describe('SecretVersionService', () => {
  it('rolls back to an older version, which workers then use, and records it', async () => {
    const name = await made('prod/back', ['one', 'two', 'three']);
    const { revision } = await services.secrets.put(owner, name, { description: 'x' });
    const written = await services.secretVersions.rollBack(owner, name, 1);
    expect(written).toMatchObject({ change: 'UPDATED', revision: revision + 1, object: { version: 1 } });
    expect(await atWorkers(name)).toEqual({ current: 'one', versions: { 1: 'one', 2: 'two', 3: 'three' } });
    expect(await states(name)).toEqual(['3 AVAILABLE', '2 AVAILABLE', '1 CURRENT']);
    expect(await events(name)).toContainEqual({ action: 'secret:rollback', detail: { from: 3, version: 1 } });
    expect((await services.secretVersions.rollBack(owner, name, 1)).change).toBe('UNCHANGED');
  });

  it('gives the next value a number that no version ever had', async () => {
    const name = await made('prod/numbers', ['one', 'two', 'three']);
    await services.secretVersions.rollBack(owner, name, 1);
    await services.secretVersions.destroy(owner, name, 3);
    expect((await services.secrets.put(owner, name, { value: 'four' })).object.version).toBe(4);
    expect((await atWorkers(name)).versions).toEqual({ 1: 'one', 2: 'two', 4: 'four' });
  });

  it('destroys a version: no ciphertext of it is left, workers lose it, and it never comes back', async () => {
    const name = await made('prod/shredded', ['one', 'two']);
    const [before] = await services.dataSource.query<{ sealed: Buffer }[]>(
      'SELECT sealed FROM secret_version v JOIN secret s ON s.id = v.secret_id WHERE s.name = $1 AND version = 1',
      [name],
    );
    await services.secretVersions.destroy(owner, name, 1);
    expect(await atWorkers(name)).toEqual({ current: 'two', versions: { 2: 'two' } });
    const left = await services.dataSource.query('SELECT 1 FROM secret_version WHERE sealed = $1', [before?.sealed]);
    expect(left).toEqual([]);
    expect(await services.secretVersions.list(owner, name)).toMatchObject([
      { version: 2, state: 'CURRENT', destroyedAt: null },
      { version: 1, state: 'DESTROYED', destroyedAt: expect.any(Date), fingerprint: expect.stringMatching(/^\w{16}$/) },
    ]);
    await expect(services.secretVersions.rollBack(owner, name, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await services.secretVersions.destroy(owner, name, 1)).change).toBe('UNCHANGED');
  });

  it('does not destroy the current version, nor one that never was', async () => {
    const name = await made('prod/only', ['one']);
    await expect(services.secretVersions.destroy(owner, name, 1)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(services.secretVersions.destroy(owner, name, 2)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const version of [0, -1, 1.5, '1', null, 2 ** 40])
      await expect(services.secretVersions.destroy(owner, name, version)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await atWorkers(name)).toEqual({ current: 'one', versions: { 1: 'one' } });
  });

  it('keeps as many versions as it is told, the current one among them, wherever it stands', async () => {
    const name = await made('prod/few', ['one', 'two', 'three', 'four'], { maxVersions: 2 });
    expect(await states(name)).toEqual(['4 CURRENT', '3 AVAILABLE', '2 DESTROYED', '1 DESTROYED']);
    await services.secretVersions.rollBack(owner, name, 3);
    await services.secrets.put(owner, name, { maxVersions: 1 });
    expect(await atWorkers(name)).toEqual({ current: 'three', versions: { 3: 'three' } });
  });

  it('keeps no version from a worker that an expiry or a disabling concerns', async () => {
    const name = await made('prod/limited', ['one']);
    const expiresAt = '2030-01-01T00:00:00Z';
    await services.secrets.put(owner, name, { expiresAt, isDisabled: true });
    const { secrets } = await services.source.changesSince(undefined);
    expect(secrets.find((record) => record.name === name)).toMatchObject({
      expiresAtMs: Date.parse(expiresAt),
      isDisabled: true,
    });
    const ended = await services.secrets.put(owner, name, { expiresAt: null, isDisabled: false });
    expect(ended.object).toMatchObject({ expiresAt: null, isDisabled: false });
  });

  it('rotates an alias: the one before dies at once, or is given to workers until its time', async () => {
    const name = await made('prod/called', ['one'], { alias: { prefix: 'sk-' } });
    const first = (await services.secrets.get(owner, name)).alias;
    const graceful = await services.secretVersions.rotateAlias(owner, name, { graceSeconds: 60 });
    expect(graceful.object.alias).toMatch(/^sk-onecli7x/);
    expect(graceful.object.alias).not.toBe(first);
    const record = async () =>
      (await services.source.changesSince(undefined)).secrets.find((each) => each.name === name);
    expect(await record()).toMatchObject({ alias: graceful.object.alias, previousAlias: { alias: first } });
    const abrupt = await services.secretVersions.rotateAlias(owner, name, { prefix: 'ghp_' });
    expect(abrupt.object.alias).toMatch(/^ghp_onecli7x/);
    expect(await record()).toMatchObject({ alias: abrupt.object.alias, previousAlias: undefined });
    const plain = await made('prod/uncalled', ['one']);
    const refused = services.secretVersions.rotateAlias(owner, plain, {});
    await expect(refused).rejects.toMatchObject({ code: 'INVALID', field: 'prefix' });
  });

  it('makes a random value that no answer has', async () => {
    const { object } = await services.secrets.create(owner, {
      name: 'prod/random',
      generate: { length: 48, alphabet: 'hex', prefix: 'k_' },
      binding,
    });
    const { current } = await atWorkers('prod/random');
    expect(current).toMatch(/^k_[0-9a-f]{48}$/);
    expect(JSON.stringify(object)).not.toContain(current);
    const both = { name: 'prod/both-sources', value: 'x', generate: {} };
    await expect(services.secrets.create(owner, both)).rejects.toMatchObject({ code: 'INVALID', field: 'generate' });
    await services.secrets.upsert(owner, { name: 'prod/random', generate: {} });
    expect((await atWorkers('prod/random')).current).toBe(current);
    await services.secrets.put(owner, 'prod/random', { generate: {} });
    expect((await atWorkers('prod/random')).current).not.toBe(current);
  });

  it('refuses a role that may not', async () => {
    const name = await made('prod/guarded', ['one', 'two']);
    const forbidden = { code: 'FORBIDDEN' };
    const auditor = { ...owner, assignments: everywhere('auditor') };
    await expect(services.secretVersions.rollBack(auditor, name, 1)).rejects.toMatchObject(forbidden);
    await expect(services.secretVersions.rotateAlias(auditor, name, { prefix: 'x' })).rejects.toMatchObject(forbidden);
    const operator = { ...owner, assignments: everywhere('operator') };
    await expect(services.secretVersions.destroy(operator, name, 1)).rejects.toMatchObject(forbidden);
    await expect(services.secrets.put(operator, name, { maxVersions: 1 })).rejects.toMatchObject(forbidden);
    await expect(services.secrets.upsert(operator, { name, maxVersions: 1 })).rejects.toMatchObject(forbidden);
    const elsewhere = { ...owner, assignments: [{ role: 'owner' as const, environments: ['staging'] }] };
    await expect(services.secretVersions.list(elsewhere, name)).rejects.toMatchObject(forbidden);
  });
});

describe('what depends on a secret', () => {
  it('is every policy that grants it, every route that injects it, and the agents of those policies', async () => {
    const name = await made('prod/needed', ['one']);
    const other = await made('prod/other', ['one']);
    for (const agent of ['reader', 'writer', 'bystander'])
      await services.agents.create(owner, { name: agent, labels: agent === 'writer' ? { team: 'a' } : {} });
    const allow = (...secrets: string[]) => [{ allow: { hosts: ['api.example.com'], secrets } }];
    await services.policies.create(owner, { name: 'by-name', agents: ['reader'], rules: allow(name, other) });
    await services.policies.create(owner, {
      name: 'by-label',
      agents: [{ labels: { team: 'a' } }],
      rules: allow(name),
    });
    await services.policies.create(owner, { name: 'without', agents: ['bystander'], rules: allow(other) });
    const inject = [{ header: { name: 'authorization', template: 'Bearer {secret}' } }];
    await services.routes.create(owner, { name: 'r', secret: name, hosts: ['api.example.com'], inject });
    expect(await services.dependents.of(owner, name)).toEqual({
      policies: ['by-label', 'by-name'],
      routes: ['r'],
      agents: ['reader', 'writer'],
      agentCount: 2,
      hiddenPolicyCount: 0,
      hiddenRouteCount: 0,
      hiddenAgentCount: 0,
      lastUsedAt: null,
    });
  });

  it('is counted, and not named, where the principal may not read it', async () => {
    const name = await made('staging/shared', ['one']);
    const other = await made('prod/beside', ['one']);
    for (const agent of ['seen', 'unseen']) await services.agents.create(owner, { name: agent });
    const allow = (...secrets: string[]) => [{ allow: { hosts: ['api.example.com'], secrets } }];
    await services.policies.create(owner, { name: 'of-staging', agents: ['seen'], rules: allow(name) });
    await services.policies.create(owner, { name: 'of-both', agents: ['seen', 'unseen'], rules: allow(name, other) });
    const inject = [{ header: { name: 'authorization', template: 'Bearer {secret}' } }];
    await services.routes.create(owner, { name: 's', secret: name, hosts: ['api.example.com'], inject });
    const admin = { ...owner, assignments: [{ role: 'admin' as const, environments: ['staging'] }] };
    const counted = { hiddenPolicyCount: 1, hiddenRouteCount: 0, hiddenAgentCount: 1, lastUsedAt: null };
    const readable = { policies: ['of-staging'], routes: ['s'], agents: ['seen'], agentCount: 1 };
    expect(await services.dependents.of(admin, name)).toEqual({ ...readable, ...counted });
    const key = {
      ...owner,
      limits: { actions: new Set(['secret:read' as const]), environments: undefined, owner: undefined },
    };
    const all = { hiddenPolicyCount: 2, hiddenRouteCount: 1, hiddenAgentCount: 2, lastUsedAt: null };
    const none = { policies: [], routes: [], agents: [], agentCount: 0 };
    expect(await services.dependents.of(key, name)).toEqual({ ...none, ...all });
  });
});

const use = (secrets: string[], timeMs: number, more: Partial<AuditEvent> = {}): AuditEvent => ({
  id: String(Math.random()),
  timeMs,
  worker: 'w',
  revision: 1,
  requestId: 'r',
  agentId: undefined,
  agent: undefined,
  decision: 'allow',
  reason: 'ALLOWED',
  rule: undefined,
  host: 'api.example.com',
  port: 443,
  method: 'GET',
  path: '/',
  status: 200,
  latencyMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  secrets,
  findings: [],
  ...more,
});

describe('SecretUse', () => {
  it('writes when a version was last used, how often, and how often it was rejected', async () => {
    const name = await made('prod/used', ['one', 'two']);
    const atMs = Date.now() + 1000;
    const recorder = new SecretUse(services.dataSource, { warn: () => undefined });
    recorder.count([use([`${name}@2`], atMs), use([`${name}@2`], atMs - 10, { status: 401 })]);
    recorder.count([
      use([`${name}@1`, 'prod/gone@1'], atMs - 5),
      use(['nonsense', `${name}@2`], 0, { decision: 'deny' }),
    ]);
    await recorder.write();
    recorder.count([use([`${name}@2`], atMs - 100, { status: 403 })]);
    await recorder.close();
    expect((await services.secrets.get(owner, name)).lastUsedAt?.getTime()).toBe(atMs);
    const versions = await services.secretVersions.list(owner, name);
    expect(versions.map(({ lastUsedAt }) => lastUsedAt?.getTime())).toEqual([atMs, atMs - 5]);
    const rows = await services.dataSource.query(
      'SELECT u.version, uses::int, rejections::int FROM secret_use u JOIN secret s ON s.id = u.secret_id WHERE s.name = $1 ORDER BY 1',
      [name],
    );
    expect(rows).toEqual([
      { version: 1, uses: 1, rejections: 0 },
      { version: 2, uses: 3, rejections: 2 },
    ]);
  });
});

describe('ExpiryWatch', () => {
  it('tells of each secret that expires soon once, counts them, and the list can be asked for them', async () => {
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const soon = await made('prod/soon', ['x'], { expiresAt: inDays(3) });
    const past = await made('prod/past', ['x'], { expiresAt: inDays(-1) });
    const later = await made('prod/later', ['x'], { expiresAt: inDays(90) });
    const counts: unknown[] = [];
    const watch = new ExpiryWatch({
      database: services.dataSource,
      change: services.change,
      log: { warn: () => undefined },
      seen: (count) => counts.push(count),
    });
    const told = async (name: string) =>
      (await events(name)).filter(({ action }) => action === 'secret:expiring').length;
    await watch.look();
    await watch.look();
    expect(counts).toMatchObject([
      { expiring: 1, expired: 1 },
      { expiring: 1, expired: 1 },
    ]);
    expect(await Promise.all([soon, past, later].map(told))).toEqual([1, 1, 0]);
    await services.secrets.put(owner, soon, { expiresAt: inDays(5) });
    await watch.look();
    expect(await told(soon)).toBe(2);
    const listed = await services.secrets.list(owner, { expiringWithinDays: 14 });
    expect(listed.items.map(({ name }) => name)).toEqual([past, soon]);
  });
});
