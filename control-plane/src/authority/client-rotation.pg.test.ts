import { X509Certificate } from 'node:crypto';
import { createLogger } from '@onecli/shared/logger';
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

const client = { kind: 'CLIENT' } as const;
const status = () => services.authorities.status(owner, client);
const statesOf = async () => (await status()).authorities.map(({ state }) => state);
const rotate = (overlapHours = 0) => services.authorities.rotate(owner, { ...client, overlapHours });
const activate = () => services.authorities.activate(owner, client);
const retire = (input: object = {}) => services.authorities.retire(owner, { ...client, ...input });

async function agentWithCertificate(name: string, days = 1): Promise<X509Certificate> {
  if ((await services.dataSource.query('SELECT 1 FROM agent WHERE name = $1', [name])).length === 0)
    await services.agents.create(owner, { name, identities: [{ mtls: { commonName: name } }] });
  const { object } = await services.certificates.issue(owner, name, { days });
  return new X509Certificate(object.certificate);
}

/** What workers are to trust. */
async function trusted(): Promise<X509Certificate[]> {
  const { clientAuthorities = [] } = await services.source.changesSince(undefined);
  return clientAuthorities.map(({ certificatePem }) => new X509Certificate(certificatePem));
}

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

const expire = () =>
  services.dataSource.query("UPDATE client_certificate SET expires_at = now() - interval '1 second'");

describe('rotating the authority of client certificates', () => {
  it('has both trusted while certificates of both are about, and issues by the next one from its activation on', async () => {
    const old = await agentWithCertificate('ci');
    const [first] = await trusted();
    expect(await rotate()).toMatchObject({ change: 'CREATED', object: { kind: 'CLIENT' } });
    expect((await rotate()).change).toBe('UNCHANGED');
    const during = await agentWithCertificate('ci');
    expect((await trusted()).map((one) => old.checkIssued(one))).toEqual([false, true]);
    expect(during.checkIssued(first as X509Certificate)).toBe(true);

    expect((await activate()).change).toBe('UPDATED');
    expect(await statesOf()).toEqual(['ACTIVE', 'PREVIOUS']);
    const renewed = await agentWithCertificate('ci');
    const issuers = await trusted();
    expect(issuers.map((one) => renewed.checkIssued(one))).toEqual([true, false]);
    expect(issuers.map((one) => old.checkIssued(one))).toEqual([false, true]);
    expect(new Set(issuers.map(({ subject }) => subject)).size).toBe(2);

    await expire();
    expect((await retire()).change).toBe('DELETED');
    expect((await trusted()).map((one) => renewed.checkIssued(one))).toEqual([true]);
    expect((await retire()).change).toBe('UNCHANGED');
    expect((await services.authorities.status(owner)).authorities).toHaveLength(1);
  });

  it('retires none by which agents have unexpired certificates, names them, and does it when it is forced', async () => {
    await agentWithCertificate('renewed', 2);
    await agentWithCertificate('forgotten', 3);
    await agentWithCertificate('gone', 3);
    await rotate();
    await activate();
    await agentWithCertificate('renewed');
    await services.agents.remove(owner, 'gone');
    const [, previous] = (await status()).authorities;
    expect(previous).toMatchObject({ holderCount: 2, unrecordedUntil: null });
    expect(previous?.holders.map(({ agent, isRenewed }) => [agent, isRenewed])).toEqual([
      ['forgotten', false],
      ['renewed', true],
    ]);
    const refused = await retire().catch((fault: unknown) => fault);
    expect(refused).toMatchObject({ code: 'CONFLICT', field: 'isForced' });
    expect(String(refused)).toMatch(/forgotten \(until [-0-9T:.Z]+\), renewed \(until [-0-9T:.Z]+, renewed\)\./);
    expect(String(refused)).not.toContain('gone');
    expect(await statesOf()).toEqual(['ACTIVE', 'PREVIOUS']);
    expect((await retire({ isForced: true })).change).toBe('DELETED');
    const events = await services.dataSource.query<{ detail: object }[]>(
      "SELECT detail FROM admin_event WHERE action = 'authority:retire'",
    );
    expect(events).toMatchObject([{ detail: { kind: 'CLIENT', isForced: true, agents: ['forgotten', 'renewed'] } }]);
  });

  it('retires one by which an earlier release issued unrecorded certificates only when it is forced, or they have ended', async () => {
    await agentWithCertificate('ci');
    await expire();
    await services.dataSource.query("UPDATE client_authority SET unrecorded_until = now() + interval '1 day'");
    await rotate();
    await activate();
    await expect(retire()).rejects.toThrow('an earlier release issued');
    await services.dataSource.query('UPDATE client_authority SET unrecorded_until = now()');
    expect((await retire()).change).toBe('DELETED');
  });

  it('issues by no authority that a live worker does not trust, nor retires one while a worker is behind', async () => {
    await agentWithCertificate('ci');
    await rotate();
    const [active, next] = (await status()).authorities.map(({ id }) => id);
    await worker('late', [active ?? '']);
    expect((await status()).waitingFor).toEqual(['late']);
    await expect(activate()).rejects.toThrow('do not trust the next authority yet: late');
    await worker('late', [active ?? '', next ?? '']);
    await activate();
    await worker('late', [active ?? '']);
    await expect(retire({ isForced: true })).rejects.toThrow('do not trust the active authority yet: late');
    await worker('late', [next ?? '']);
    expect((await retire({ isForced: true })).change).toBe('DELETED');
  });

  it('takes a next one back by its id, and never the one that signs', async () => {
    await agentWithCertificate('ci');
    await rotate(1);
    const [active, next] = (await status()).authorities.map(({ id }) => id);
    await expect(retire({ id: active, isForced: true })).rejects.toMatchObject({ code: 'CONFLICT', field: 'id' });
    await expect(activate()).rejects.toMatchObject({ field: 'isEarly' });
    expect((await retire({ id: next })).change).toBe('DELETED');
    expect(await statesOf()).toEqual(['ACTIVE']);
  });

  it('has nothing to rotate before the first certificate', async () => {
    await expect(rotate()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await status()).toEqual({ kind: 'CLIENT', authorities: [], waitingFor: [] });
    await expect(services.authorities.rotate(owner, { kind: 'client' })).rejects.toMatchObject({ field: 'kind' });
  });

  it('is for nobody who may not, and activates by itself when every worker trusts the next one', async () => {
    await agentWithCertificate('ci');
    for (const role of ['operator', 'auditor', 'agent-manager'] as const)
      await expect(
        services.authorities.rotate({ ...owner, assignments: everywhere(role) }, client),
      ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { dataSource: database, authorities } = services;
    const ends: string[] = [];
    const seen = (kind: string) => void ends.push(kind);
    const watch = new AuthorityWatch({ database, authorities, log: createLogger('test', 'silent'), seen });
    await rotate();
    await worker('late', []);
    await watch.look();
    expect(await statesOf()).toEqual(['ACTIVE', 'NEXT']);
    await worker(
      'late',
      (await status()).authorities.map(({ id }) => id),
    );
    await watch.look();
    expect(await statesOf()).toEqual(['ACTIVE', 'PREVIOUS']);
    expect(ends).toEqual(['GATEWAY', 'CLIENT']);
  });

  it('issues by no row that was altered', async () => {
    await agentWithCertificate('ci');
    await services.dataSource.query(
      `UPDATE client_authority SET certificate_pem = (SELECT certificate_pem FROM certificate_authority LIMIT 1)`,
    );
    expect((await status()).authorities).toMatchObject([{ isIntact: false }]);
    await expect(services.certificates.issue(owner, 'ci', {})).rejects.toThrow();
  });
});
