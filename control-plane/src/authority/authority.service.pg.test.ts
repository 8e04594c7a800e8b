import { X509Certificate } from 'node:crypto';
import { createLogger } from '@onecli/shared/logger';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goodExtensions, issueAuthority } from '../../../test/support/brought-authority.ts';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { firstPlace, rewrapBatch } from '../keys/rewrap-batch.ts';
import { sealedColumns } from '../keys/sealed-columns.ts';
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
    expect(openAuthority('GATEWAY', services.keys.keyring, authority).certificatePem).toBe(next);

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

describe('an authority that is brought', () => {
  const root = issueAuthority(undefined);
  const extensions = [...goodExtensions, 'nameConstraints=critical,permitted;DNS:example.com'];
  const own = issueAuthority(root, { extensions });
  const input = { certificate: own.certificate + root.certificate, privateKey: own.privateKey, overlapHours: 0 };

  it('becomes the next one; agents are given its root, and workers its key and chain', async () => {
    const { authorities, source } = services;
    const first = await authorities.bundlePem();
    expect(await authorities.import(owner, input)).toMatchObject({ change: 'CREATED', revision: 2 });
    expect(await authorities.import(owner, input)).toMatchObject({ change: 'UNCHANGED', revision: 2 });
    expect(await authorities.bundlePem()).toBe(first + root.certificate);
    const [, next] = (await status()).authorities;
    expect(next).toMatchObject({
      state: 'NEXT',
      subject: 'O=Example, CN=Example intermediate',
      fingerprint: new X509Certificate(own.certificate).fingerprint256,
      trustFingerprint: new X509Certificate(root.certificate).fingerprint256,
      constraints: ['permitted DNS example.com'],
      isIntact: true,
    });
    await authorities.activate(owner);
    await expect(authorities.import(owner, input)).rejects.toThrow('it is ACTIVE');
    const { authority } = await source.changesSince(2);
    if (authority === undefined) throw new Error('no authority');
    const opened = openAuthority('GATEWAY', services.keys.keyring, authority);
    expect(opened).toMatchObject({ chainPem: own.certificate, trustPem: root.certificate });
    expect(await eventsOf('authority:import')).toMatchObject([{ principal: 'user:admin', object_name: next?.id }]);
  });

  it('hands one root out once, however many intermediates have it', async () => {
    const { authorities } = services;
    await authorities.import(owner, input);
    await authorities.activate(owner);
    await authorities.retire(owner);
    const other = issueAuthority(root);
    await authorities.import(owner, {
      ...input,
      certificate: other.certificate + root.certificate,
      privateKey: other.privateKey,
    });
    expect(await authorities.bundlePem()).toBe(root.certificate);
  });

  it('is refused while another is the next one, and when it is not good, and nothing is stored then', async () => {
    const { authorities } = services;
    const bad = { ...input, privateKey: root.privateKey };
    await expect(authorities.import(owner, bad)).rejects.toMatchObject({ code: 'INVALID', field: 'certificate' });
    await expect(authorities.import(owner, { ...input, key: 'x' })).rejects.toMatchObject({ field: 'key' });
    expect(await statesOf()).toEqual(['ACTIVE']);
    await authorities.rotate(owner);
    await expect(authorities.import(owner, input)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
  });

  it('is taken from nobody who may not, whatever is wrong with it', async () => {
    for (const role of ['operator', 'auditor', 'agent-manager'] as const)
      await expect(
        services.authorities.import({ ...owner, assignments: everywhere(role) }, { certificate: 'x' }),
      ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await statesOf()).toEqual(['ACTIVE']);
  });

  it('keeps its key in no column in the clear, and opens after a rotation of the key terms', async () => {
    const { authorities, dataSource, keys } = services;
    await authorities.import(owner, input);
    const secret = own.privateKey.split('\n')[1] ?? '';
    const rows = JSON.stringify(
      await dataSource.query(
        "SELECT certificate_pem, encode(sealed_key, 'escape') AS sealed FROM certificate_authority",
      ),
    );
    const told = JSON.stringify([await dataSource.query('SELECT * FROM admin_event'), await status()]);
    for (const text of [rows, told]) expect(text).not.toContain(secret);
    const { term, wrappedKey } = keys.keyring.wrapNewTerm();
    await dataSource.query('INSERT INTO key_term (term, wrapped_key) VALUES ($1, $2)', [term, wrappedKey]);
    await dataSource.query('UPDATE config_state SET key_generation = key_generation + 1');
    await keys.terms.refresh(dataSource.manager);
    const column = sealedColumns.find(({ table }) => table === 'certificate_authority');
    if (column === undefined) throw new Error('no such column');
    const batch = await rewrapBatch(dataSource, keys.keyring, column, firstPlace, 10);
    expect(batch).toMatchObject({ moved: 2, unopenable: 0 });
    expect((await status()).authorities.map(({ isIntact }) => isIntact)).toEqual([true, true]);
  });

  it('is not handed out with another root, or another chain, than it was stored with', async () => {
    const { authorities, dataSource } = services;
    const first = await authorities.bundlePem();
    await authorities.import(owner, input);
    const renewed = issueAuthority(undefined, { subject: '/CN=evil' });
    for (const pem of [renewed.certificate, own.certificate + renewed.certificate]) {
      await dataSource.query('UPDATE certificate_authority SET certificate_pem = $1 WHERE NOT is_active', [pem]);
      expect(await authorities.bundlePem()).toBe(first);
      await expect(authorities.activate(owner)).rejects.toThrow('altered');
    }
  });
});

describe('AuthorityWatch', () => {
  it('activates the next authority when the overlap is over and every worker hands it out, and not before', async () => {
    const { authorities, dataSource } = services;
    const log = createLogger('test', 'silent');
    const watch = new AuthorityWatch({ database: dataSource, authorities, log, seen: () => undefined });
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

  it('tells when the chain that agents are shown ends, and warns of that a month before, once a day', async () => {
    const { authorities, dataSource } = services;
    const warned: object[] = [];
    const ends: Date[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void warned.push(fields) };
    const seen = (_kind: string, at: Date | undefined) => void (at && ends.push(at));
    const watch = new AuthorityWatch({ database: dataSource, authorities, log, seen });
    await watch.look();
    expect(warned).toEqual([]);
    const short = issueAuthority(undefined, { days: 20 });
    const own = issueAuthority(short, { days: 300 });
    const certificate = own.certificate + short.certificate;
    await authorities.import(owner, { certificate, privateKey: own.privateKey, overlapHours: 0 });
    for (let looks = 0; looks < 3; looks++) await watch.look();
    const endsAt = new Date(new X509Certificate(short.certificate).validTo);
    expect(ends.at(-1)).toEqual(endsAt);
    expect(warned).toEqual([{ kind: 'GATEWAY', endsAt }]);
  });
});
