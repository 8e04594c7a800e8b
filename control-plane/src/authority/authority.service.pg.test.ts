import { X509Certificate } from 'node:crypto';
import { createLogger } from '@onecli/shared/logger';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { AuthorityWatch } from './authority-watch.ts';

type Opened = Awaited<ReturnType<typeof openServices>>;
let services: Opened;

beforeEach(async () => {
  services = await openServices(await freshDatabase());
});
afterEach(() => services.close());

const certificatesIn = (pem: string) => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
const status = () => services.authorities.status(owner);
const statesOf = async () => (await status()).authorities.map(({ state }) => state);
const idsOf = async () => (await status()).authorities.map(({ id }) => id);

/** A worker that reports these authorities. */
const worker = (name: string, authorities: readonly string[]) =>
  services.source.heartbeat({
    name,
    bootId: name,
    version: '0.1.0',
    appliedRevision: 1,
    terms: [1],
    isMasterKeyCurrent: true,
    authorities,
    startedAtMs: 0,
  });

const eventsOf = (action: string) =>
  services.dataSource.query<{ principal: string; object_name: string; detail: object }[]>(
    'SELECT principal, object_name, detail FROM admin_event WHERE action = $1',
    [action],
  );

describe('AuthorityService', () => {
  it('hands out the next authority beside the active one, which signs until it is activated; then the old one goes', async () => {
    const { authorities, source } = services;
    const first = await authorities.bundlePem();
    expect(await authorities.rotate(owner, { overlapHours: 0 })).toMatchObject({ change: 'CREATED', revision: 2 });
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    const both = await authorities.bundlePem();
    expect(both.startsWith(first)).toBe(true);
    const [, next = ''] = certificatesIn(both);
    const published = await source.changesSince(1);
    expect(published.authority?.certificatePem).toBe(first);
    expect(published.otherAuthorities?.map(({ certificatePem }) => certificatePem)).toEqual([next]);
    const subjects = certificatesIn(both).map((pem) => new X509Certificate(pem).subject);
    expect(new Set(subjects).size).toBe(2);

    expect(await authorities.activate(owner)).toMatchObject({ change: 'UPDATED', revision: 3 });
    expect(await statesOf()).toEqual(['ACTIVE', 'PREVIOUS']);
    expect(certificatesIn(await authorities.bundlePem())).toEqual([next, first]);
    const { authority } = await source.changesSince(2);
    if (authority === undefined) throw new Error('no authority');
    expect(openAuthority(services.keys.keyring, authority).certificatePem).toBe(next);

    expect(await authorities.retire(owner)).toMatchObject({ change: 'DELETED', revision: 4 });
    expect(await authorities.bundlePem()).toBe(next);
    const rows = await services.dataSource.query('SELECT id FROM certificate_authority');
    expect(rows).toEqual([{ id: authority.id }]);
    expect(await source.changesSince(3)).toMatchObject({ authority: { id: authority.id }, otherAuthorities: [] });
  });

  it('does nothing twice: each step that is done already says so', async () => {
    const { authorities } = services;
    expect((await authorities.activate(owner)).change).toBe('UNCHANGED');
    expect((await authorities.retire(owner)).change).toBe('UNCHANGED');
    await authorities.rotate(owner, { overlapHours: 0 });
    expect(await authorities.rotate(owner)).toMatchObject({ change: 'UNCHANGED', revision: 2 });
    const both = await Promise.all([authorities.activate(owner), authorities.activate(owner)]);
    expect(both.map(({ change }) => change).toSorted()).toEqual(['UNCHANGED', 'UPDATED']);
    await authorities.retire(owner);
    expect((await authorities.retire(owner)).change).toBe('UNCHANGED');
  });

  it('activates before the overlap is over only when it is told that it is early', async () => {
    const { authorities } = services;
    await authorities.rotate(owner, { overlapHours: 1 });
    await expect(authorities.activate(owner)).rejects.toMatchObject({ code: 'CONFLICT', field: 'isEarly' });
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    expect((await authorities.activate(owner, { isEarly: true })).change).toBe('UPDATED');
  });

  it('activates no authority that a live worker does not hand out, however early is allowed', async () => {
    const { authorities, dataSource } = services;
    await authorities.rotate(owner, { overlapHours: 0 });
    const [active = '', next = ''] = await idsOf();
    await worker('fresh', [active, next]);
    await worker('late', [active]);
    expect((await status()).waitingFor).toEqual(['late']);
    for (const isEarly of [false, true])
      await expect(authorities.activate(owner, { isEarly })).rejects.toThrow(
        'do not hand out the next authority yet: late',
      );
    await dataSource.query("UPDATE worker SET authorities = NULL WHERE name = 'late'");
    await expect(authorities.activate(owner)).rejects.toThrow('late');
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    await worker('late', [active, next]);
    expect((await authorities.activate(owner)).change).toBe('UPDATED');
  });

  it('waits for no worker that is dead', async () => {
    const { authorities, dataSource } = services;
    await worker('dead', []);
    await dataSource.query("UPDATE worker SET seen_at = now() - interval '11 seconds'");
    await authorities.rotate(owner, { overlapHours: 0 });
    expect((await authorities.activate(owner)).change).toBe('UPDATED');
  });

  it('retires no authority that signs, here or in a live worker', async () => {
    const { authorities } = services;
    const [first = ''] = await idsOf();
    await expect(authorities.retire(owner, { id: first })).rejects.toMatchObject({ code: 'CONFLICT', field: 'id' });
    await authorities.rotate(owner, { overlapHours: 0 });
    await authorities.activate(owner);
    const [active = ''] = await idsOf();
    await worker('late', [first, active]);
    expect((await status()).waitingFor).toEqual(['late']);
    await expect(authorities.retire(owner)).rejects.toThrow('late');
    expect(await idsOf()).toEqual([active, first]);
    await worker('late', [active, first]);
    expect((await authorities.retire(owner)).change).toBe('DELETED');
  });

  it('withdraws a next authority by its id, and may then make another', async () => {
    const { authorities } = services;
    await authorities.rotate(owner);
    const [active, next] = await idsOf();
    expect((await authorities.retire(owner)).change).toBe('UNCHANGED');
    expect((await authorities.retire(owner, { id: next })).change).toBe('DELETED');
    expect(await idsOf()).toEqual([active]);
    expect((await authorities.rotate(owner)).change).toBe('CREATED');
  });

  it('neither hands out nor activates an authority whose row was altered, and shows that', async () => {
    const { authorities, dataSource } = services;
    const first = await authorities.bundlePem();
    await authorities.rotate(owner, { overlapHours: 0 });
    await dataSource.query('UPDATE certificate_authority SET certificate_pem = $1 WHERE NOT is_active', [first]);
    expect(await authorities.bundlePem()).toBe(first);
    expect((await status()).authorities.map(({ isIntact }) => isIntact)).toEqual([true, false]);
    await expect(authorities.activate(owner)).rejects.toThrow('altered');
    await dataSource.query("UPDATE certificate_authority SET certificate_pem = 'x'");
    expect((await status()).authorities).toMatchObject([{ fingerprint: '' }, { fingerprint: '' }]);
    await expect(authorities.bundlePem()).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  it('lets nobody rotate who may only read, and nobody read who may not', async () => {
    const { authorities } = services;
    const auditor = { ...owner, assignments: everywhere('auditor') };
    const ofOneEnvironment = { ...owner, assignments: [{ role: 'admin' as const, environments: ['prod'] }] };
    expect((await authorities.status(auditor)).authorities).toHaveLength(1);
    for (const principal of [auditor, { ...owner, assignments: everywhere('operator') }, ofOneEnvironment]) {
      await expect(authorities.rotate(principal)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(authorities.activate(principal)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(authorities.retire(principal)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    await expect(authorities.status({ ...owner, assignments: everywhere('agent-manager') })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await statesOf()).toEqual(['ACTIVE']);
  });

  it('records each step with the fingerprint, and no key', async () => {
    const { authorities, dataSource } = services;
    await authorities.rotate(owner, { overlapHours: 0 });
    const [active, next] = (await status()).authorities;
    await authorities.activate(owner);
    await authorities.retire(owner);
    expect(await eventsOf('authority:rotate')).toMatchObject([{ principal: 'user:admin', object_name: next?.id }]);
    expect(await eventsOf('authority:activate')).toMatchObject([{ detail: { fingerprint: next?.fingerprint } }]);
    expect(await eventsOf('authority:retire')).toMatchObject([{ detail: { fingerprint: active?.fingerprint } }]);
    const all = JSON.stringify(await dataSource.query('SELECT * FROM admin_event'));
    expect(all).not.toContain('PRIVATE');
  });
});

describe('AuthorityWatch', () => {
  it('activates the next authority when the overlap is over and every worker hands it out, and not before', async () => {
    const { authorities, dataSource } = services;
    const watch = new AuthorityWatch({ database: dataSource, authorities, log: createLogger('test', 'silent') });
    await watch.look();
    await authorities.rotate(owner, { overlapHours: 1 });
    await watch.look();
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    await dataSource.query('UPDATE certificate_authority SET activates_at = now() WHERE NOT is_active');
    await worker('late', []);
    await watch.look();
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    await worker('late', await idsOf());
    await watch.look();
    expect(await statesOf()).toEqual(['ACTIVE', 'PREVIOUS']);
    expect(await eventsOf('authority:activate')).toMatchObject([{ principal: 'system:onecli' }]);
  });
});
