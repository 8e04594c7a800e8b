import { agentIdentitiesContext } from '@onecli/shared/seal-contexts';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { InstanceService } from '../instance/instance.service.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

type Services = Awaited<ReturnType<typeof openServices>>;
let services: Services;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());

async function recordOf(name: string) {
  const { agents } = await services.source.changesSince(undefined);
  return agents.find((agent) => agent.name === name);
}

const hashOf = (token: string) => tokenHash(services.keys.tokenPepper, token).toString('hex');

describe('AgentService', () => {
  it('tells the token once and stores only its keyed hash', async () => {
    const { object, token, change } = await services.agents.create(owner, {
      name: 'my-agent',
      labels: { team: 'finance' },
      identities: [{ token: {} }],
    });
    expect(token).toMatch(/^oat_[A-Za-z0-9_-]{43}$/);
    expect(change).toBe('CREATED');
    expect(object).toMatchObject({ name: 'my-agent', isDisabled: false, tokens: [{ prefix: token?.slice(0, 8) }] });
    expect(await recordOf('my-agent')).toEqual({
      id: object.id,
      name: 'my-agent',
      labels: { team: 'finance' },
      isDisabled: false,
      tokens: [{ hash: hashOf(token ?? ''), expiresAtMs: undefined }],
      sealedIdentities: expect.any(Buffer),
      mac: expect.any(Buffer),
    });
    const stored = await services.dataSource.query<{ t: string }[]>('SELECT agent_token::text AS t FROM agent_token');
    expect(JSON.stringify([stored, await services.agents.get(owner, 'my-agent')])).not.toContain(token);
  });

  it('leaves a rotated agent with the new token alone', async () => {
    const first = await services.agents.create(owner, { name: 'rotated' });
    const second = await services.agents.rotate(owner, 'rotated');
    expect(second.revision).toBe(first.revision + 1);
    expect((await recordOf('rotated'))?.tokens).toEqual([{ hash: hashOf(second.token), expiresAtMs: undefined }]);
  });

  it('disables and enables, and keeps the revision when it already is so', async () => {
    await services.agents.create(owner, { name: 'switched', labels: { a: 'b' } });
    const disabled = await services.agents.update(owner, 'switched', { isDisabled: true });
    expect(disabled).toMatchObject({ change: 'UPDATED', object: { isDisabled: true, labels: { a: 'b' } } });
    expect((await recordOf('switched'))?.isDisabled).toBe(true);
    const again = await services.agents.update(owner, 'switched', { isDisabled: true, labels: { a: 'b' } });
    expect(again).toMatchObject({ change: 'UNCHANGED', revision: disabled.revision });
  });

  it('removes an agent with its tokens, and removes again what is gone', async () => {
    const { object, revision } = await services.agents.create(owner, { name: 'gone' });
    expect(await services.agents.remove(owner, 'gone')).toEqual({ change: 'DELETED', revision: revision + 1 });
    expect(await services.agents.remove(owner, 'gone')).toEqual({ change: 'UNCHANGED', revision: revision + 1 });
    expect((await services.source.changesSince(revision)).removedIds).toEqual([object.id]);
    expect(await services.dataSource.query('SELECT 1 FROM agent_token WHERE agent_id = $1', [object.id])).toEqual([]);
  });

  it('writes nothing for what it refuses', async () => {
    await services.agents.create(owner, { name: 'taken' });
    const rows = () => services.dataSource.query('SELECT revision, (SELECT count(*) FROM agent) FROM config_state');
    const before = await rows();
    const calls = [
      () => services.agents.create(owner, { name: 'taken' }),
      () => services.agents.create(owner, { name: 'other', labels: { team: 1 } }),
      () => services.agents.update(owner, 'absent', { isDisabled: true }),
      () => services.agents.update(owner, 'taken', { disabled: true }),
      () => services.agents.rotate(owner, 'absent'),
      () => services.agents.rotate(owner, 'absent\0'),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/INVALID|NAME_TAKEN|NOT_FOUND/) });
    expect(await rows()).toEqual(before);
  });
});

describe('identities of an agent', () => {
  const jwt = { issuer: 'https://issuer.example', audience: 'onecli', claims: { sub: 'ci' } };
  const all = [
    { token: { cidrs: ['10.1.0.0/16'], expiresAt: '2100-01-01T00:00:00.000Z' } },
    { mtls: { commonName: 'all' } },
    { mtls: { dnsName: 'All.Example' } },
    { mtls: { uri: 'spiffe://example.org/all' } },
    { jwt: { ...jwt, claims: { sub: 'all' } } },
    { header: { name: 'X-Agent', value: 'all', cidrs: ['10.2.0.0/24'] } },
    { source: { cidrs: ['10.3.0.5', 'FD00::/8'] } },
  ];
  const kept = [
    { kind: 'token', cidrs: ['10.1.0.0/16'], expiresAtMs: Date.UTC(2100, 0, 1) },
    { kind: 'mtls', by: 'commonName', name: 'all' },
    { kind: 'mtls', by: 'dnsName', name: 'all.example' },
    { kind: 'mtls', by: 'uri', name: 'spiffe://example.org/all' },
    { kind: 'jwt', ...jwt, claims: { sub: 'all' } },
    { kind: 'header', name: 'x-agent', value: 'all', cidrs: ['10.2.0.0/24'] },
    { kind: 'source', cidrs: ['10.3.0.5/32', 'fd00::/8'] },
  ];

  async function identitiesOf(name: string): Promise<unknown> {
    const record = await recordOf(name);
    if (!record?.sealedIdentities) return undefined;
    const opened = open(services.keys.keyring, agentIdentitiesContext(record.id), record.sealedIdentities);
    return JSON.parse(opened.toString());
  }

  it('are sealed for the agent, and shown as they were given in their one way of writing', async () => {
    const { object, token } = await services.agents.create(owner, { name: 'all', identities: all });
    expect(token).toMatch(/^oat_/);
    expect(await identitiesOf('all')).toEqual(kept);
    expect(object.identities).toMatchObject([
      { token: { cidrs: ['10.1.0.0/16'], expiresAt: new Date('2100-01-01T00:00:00.000Z') } },
      { mtls: { commonName: 'all' } },
      { mtls: { dnsName: 'all.example' } },
      { mtls: { uri: 'spiffe://example.org/all' } },
      { jwt: { ...jwt, claims: { sub: 'all' } } },
      { header: { name: 'x-agent', value: 'all', cidrs: ['10.2.0.0/24'] } },
      { source: { cidrs: ['10.3.0.5/32', 'fd00::/8'] } },
    ]);
    const stored = await services.dataSource.query('SELECT a::text, i::text FROM agent a, agent_identity i');
    expect(JSON.stringify(stored)).not.toMatch(/spiffe|issuer\.example|10\.3\.0|x-agent/);
  });

  it('are given to no agent whose row somebody altered: it can only be deleted', async () => {
    await services.agents.create(owner, { name: 'high' });
    const { object } = await services.agents.create(owner, { name: 'low', labels: { team: 'low' } });
    for (const change of [
      `UPDATE agent_token SET agent_id = (SELECT id FROM agent WHERE name = 'low') WHERE agent_id <> $1`,
      `UPDATE agent SET labels = '{"team": "high"}' WHERE id = $1`,
      'UPDATE agent SET mac = NULL WHERE id = $1',
    ]) {
      await services.dataSource.query('CREATE TABLE was AS TABLE agent; CREATE TABLE was_token AS TABLE agent_token');
      await services.dataSource.query(change, [object.id]);
      for (const write of [
        () => services.agents.update(owner, 'low', { labels: { team: 'low', more: 'x' } }),
        () => services.agents.rotate(owner, 'low'),
      ])
        await expect(write()).rejects.toMatchObject({ code: 'CONFLICT' });
      await services.dataSource.query(`DELETE FROM agent; INSERT INTO agent TABLE was;
        INSERT INTO agent_token TABLE was_token; DROP TABLE was, was_token`);
    }
    await services.agents.rotate(owner, 'low');
    await services.agents.remove(owner, 'low');
  });

  it('do not open for another agent', async () => {
    const one = await services.agents.create(owner, { name: 'one', identities: [{ mtls: { commonName: 'one' } }] });
    const two = await services.agents.create(owner, { name: 'two', identities: [{ mtls: { commonName: 'two' } }] });
    await services.dataSource.query(
      'UPDATE agent SET sealed_identities = (SELECT sealed_identities FROM agent WHERE id = $1) WHERE id = $2',
      [one.object.id, two.object.id],
    );
    await expect(services.agents.get(owner, 'two')).rejects.toMatchObject({ code: 'INTERNAL' });
    await services.agents.remove(owner, 'two');
  });

  it.each([
    [{ mtls: { commonName: 'held' } }, 'identities[1].mtls.commonName'],
    [{ mtls: { uri: 'spiffe://example.org/held' } }, 'identities[1].mtls.uri'],
    [{ jwt: { ...jwt, claims: { sub: 'held', ns: 'a' } } }, 'identities[1].jwt.issuer'],
    [{ header: { name: 'X-Held', value: 'held', cidrs: ['10.9.0.0/16'] } }, 'identities[1].header.name'],
    [{ source: { cidrs: ['172.16.1.0/24', '172.16.2.0/24'] } }, 'identities[1].source.cidrs[1]'],
  ])('belong to one agent only: %j', async (identity, field) => {
    const holder = {
      name: `holder-${field.replaceAll(/[^a-z]+/g, '-')}end`,
      identities: [
        { mtls: { commonName: 'held' } },
        { mtls: { uri: 'spiffe://example.org/held' } },
        { jwt: { ...jwt, claims: { ns: 'a', sub: 'held' } } },
        { header: { name: 'x-held', value: 'held', cidrs: ['10.8.0.0/16'] } },
        { source: { cidrs: ['172.16.2.0/24'] } },
      ],
    };
    await services.agents.create(owner, holder);
    const wanted = { name: 'wanting', identities: [{ token: {} }, identity] };
    await expect(services.agents.create(owner, wanted)).rejects.toMatchObject({
      code: 'IDENTITY_TAKEN',
      status: 409,
      field,
      message: expect.stringContaining(holder.name),
    });
    await services.agents.create(owner, { name: 'wanting' });
    const update = { identities: wanted.identities };
    await expect(services.agents.update(owner, 'wanting', update)).rejects.toMatchObject({
      code: 'IDENTITY_TAKEN',
      field,
    });
    await services.agents.remove(owner, holder.name);
    expect(await services.agents.update(owner, 'wanting', update)).toMatchObject({ change: 'UPDATED' });
    await services.agents.remove(owner, 'wanting');
  });

  it('are not there twice in one agent', async () => {
    const identities = [{ source: { cidrs: ['192.0.2.0/24'] } }, { source: { cidrs: ['192.0.2.0/24'] } }];
    await expect(services.agents.create(owner, { name: 'twice', identities })).rejects.toMatchObject({
      code: 'INVALID',
      field: 'identities[1].source.cidrs[0]',
    });
  });

  it('make a token when they name one for the first time, and end it when they do not any more', async () => {
    const made = await services.agents.create(owner, {
      name: 'switch',
      identities: [{ mtls: { commonName: 'switch' } }],
    });
    expect(made.token).toBeNull();
    await expect(services.agents.rotate(owner, 'switch')).rejects.toMatchObject({ code: 'INVALID' });
    const both = [{ token: {} }, { mtls: { commonName: 'switch' } }];
    const { token } = await services.agents.update(owner, 'switch', { identities: both });
    expect((await recordOf('switch'))?.tokens).toEqual([{ hash: hashOf(token ?? ''), expiresAtMs: undefined }]);
    expect(await services.agents.update(owner, 'switch', { identities: both })).toMatchObject({
      change: 'UNCHANGED',
      token: null,
    });
    const bound = [{ token: { cidrs: ['10.0.0.0/8'] } }];
    expect(await services.agents.update(owner, 'switch', { identities: bound })).toMatchObject({
      change: 'UPDATED',
      token: null,
    });
    expect((await recordOf('switch'))?.tokens).toHaveLength(1);
    await services.agents.update(owner, 'switch', { identities: [{ mtls: { commonName: 'switch' } }] });
    expect((await recordOf('switch'))?.tokens).toEqual([]);
  });

  it('give a rotated token as much time as the one before was given', async () => {
    const lifeMs = 3_600_000;
    const expiresAt = new Date(Date.now() + lifeMs).toISOString();
    await services.agents.create(owner, {
      name: 'brief',
      identities: [{ token: { expiresAt, cidrs: ['10.0.0.0/8'] } }],
    });
    await services.dataSource.query(
      "UPDATE agent_token SET created_at = created_at - interval '1 hour' WHERE expires_at IS NOT NULL",
    );
    const before = Date.now();
    await services.agents.rotate(owner, 'brief');
    const [identity] = (await identitiesOf('brief')) as { expiresAtMs: number; cidrs: string[] }[];
    expect(identity).toMatchObject({ cidrs: ['10.0.0.0/8'] });
    expect(identity?.expiresAtMs).toBeGreaterThanOrEqual(before + 2 * lifeMs - 5_000);
    expect((await recordOf('brief'))?.tokens).toMatchObject([{ expiresAtMs: identity?.expiresAtMs }]);
  });

  it('that were taken out of the database are not replaced by a token: nothing recognises the agent', async () => {
    const identities = [{ token: {} }, { mtls: { commonName: 'emptied' } }];
    const { object } = await services.agents.create(owner, { name: 'emptied', identities });
    await services.agents.update(owner, 'emptied', { identities: [{ mtls: { commonName: 'emptied' } }] });
    await services.dataSource.query('UPDATE agent SET sealed_identities = NULL WHERE id = $1', [object.id]);
    await new InstanceService(services.dataSource).open(services.master);
    expect(await identitiesOf('emptied')).toBeUndefined();
    await expect(services.agents.get(owner, 'emptied')).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(services.agents.update(owner, 'emptied', { labels: { a: 'b' } })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    await services.agents.remove(owner, 'emptied');
  });
});

describe('AgentCertificateService', () => {
  const issue = (name: string, input: object = {}) => services.certificates.issue(owner, name, input);

  it('issues a certificate with every name of the agent, by an authority that only signs those', async () => {
    const identities = [
      { mtls: { commonName: 'ci runner' } },
      { mtls: { dnsName: 'ci.example' } },
      { mtls: { uri: 'spiffe://example.org/ci' } },
    ];
    await services.agents.create(owner, { name: 'ci', identities });
    expect((await services.source.changesSince(undefined)).clientAuthorities).toEqual([]);
    const { object, revision } = await issue('ci', { days: 2 });
    const { authority, clientAuthorities: [clientAuthority] = [] } = await services.source.changesSince(revision - 1);
    const certificate = new X509Certificate(object.certificate);
    const issuer = new X509Certificate(clientAuthority?.certificatePem ?? '');
    expect(certificate.subject).toBe('CN=ci runner');
    expect(certificate.subjectAltName).toBe('DNS:ci.example, URI:spiffe://example.org/ci');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(object.privateKey))).toBe(true);
    expect(object.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(2 * 86_400_000);
    expect(clientAuthority?.certificatePem).not.toBe(authority?.certificatePem);
    const second = await issue('ci');
    expect(second.revision).toBe(revision);
    expect(new X509Certificate(second.object.certificate).checkIssued(issuer)).toBe(true);
    const stored = await services.dataSource.query('SELECT c::text, e::text FROM client_authority c, admin_event e');
    expect(JSON.stringify(stored)).not.toContain('PRIVATE KEY');
    expect(JSON.stringify(stored)).toContain('agent:certificate');
  });

  it.each([
    ['ci', { days: 0 }, 'INVALID'],
    ['ci', { days: 366 }, 'INVALID'],
    ['ci', { days: 1.5 }, 'INVALID'],
    ['ci', { names: ['admin'] }, 'INVALID'],
    ['rotated', {}, 'INVALID'],
    ['absent', {}, 'NOT_FOUND'],
  ])('refuses %s with %j', async (name, input, code) => {
    await expect(issue(name, input)).rejects.toMatchObject({ code });
  });
});
