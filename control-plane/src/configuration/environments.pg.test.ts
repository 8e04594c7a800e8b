import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { AuditService } from '../audit/audit.service.ts';
import type { Principal } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

let services: Awaited<ReturnType<typeof openServices>>;
/** An admin of staging, and nothing else. */
const stan: Principal = { kind: 'user', name: 'stan', assignments: [{ role: 'admin', environments: ['staging'] }] };
const forbidden = { code: 'FORBIDDEN' };

const allow = (...secrets: string[]) => ({ allow: { hosts: ['api.example.com'], secrets } });
const ofStaging = { labels: { environment: 'staging' } };
const policy = (name: string, rules: object[], more: object = {}) => ({ name, agents: [ofStaging], rules, ...more });
const route = (name: string, secret: string) => ({
  name,
  secret,
  hosts: ['api.example.com'],
  inject: [{ header: { name: 'x-key', template: '{secret}' } }],
});

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  const { secrets, agents, policies, routes } = services;
  await agents.create(owner, { name: 'bot' });
  for (const name of ['prod/k', 'staging/k', 'staging-2/k']) await secrets.create(owner, { name, value: 'x' });
  await policies.create(owner, policy('of-prod', [allow('prod/k')]));
  await policies.create(owner, policy('of-both', [allow('prod/k'), allow('staging/k')]));
  await policies.create(owner, policy('of-all', [{ deny: { hosts: ['evil.example.com'] } }]));
  await routes.create(owner, route('r-prod', 'prod/k'));
});
afterAll(() => services.close());

describe('an admin of one environment', () => {
  it('sees its secrets and no others, on every page', async () => {
    const { items, next } = await services.secrets.list(stan, { limit: 1 });
    expect([items.map(({ name }) => name), next]).toEqual([['staging/k'], undefined]);
    await expect(services.secrets.get(stan, 'prod/k')).rejects.toMatchObject(forbidden);
    await expect(services.secrets.get(stan, 'prod/none')).rejects.toMatchObject(forbidden);
  });

  it('grants its secrets by policy, and no secret of another environment', async () => {
    const { policies } = services;
    expect(await policies.create(stan, policy('of-staging', [allow('staging/k')]))).toMatchObject({
      change: 'CREATED',
    });
    for (const rules of [
      [allow('prod/k')],
      [allow('staging/k', 'prod/k')],
      [allow('staging/k'), allow('prod/k')],
      [allow('staging-2/k')],
      [allow('prod/none')],
    ]) {
      await expect(policies.create(stan, policy('escalation', rules))).rejects.toMatchObject(forbidden);
      await expect(policies.upsert(stan, policy('escalation', rules))).rejects.toMatchObject(forbidden);
      await expect(policies.replace(stan, 'of-staging', policy('of-staging', rules))).rejects.toMatchObject(forbidden);
      await expect(policies.upsert(stan, { name: 'of-staging', rules })).rejects.toMatchObject(forbidden);
    }
    expect(await policies.get(owner, 'of-staging')).toMatchObject({ version: 1, rules: [allow('staging/k')] });
  });

  it('writes no rule that is of all environments: a way without a secret, a denial, monitoring, nothing', async () => {
    const { policies } = services;
    for (const [rules, more] of [
      [[{ allow: { hosts: ['*.example.com'] } }]],
      [[allow('staging/k'), { allow: { hosts: ['any.example.com'], tunnel: true } }]],
      [[allow('staging/k'), { deny: { hosts: ['api.example.com'] } }]],
      [[allow('staging/k')], { mode: 'monitor' }],
      [[]],
    ] as const)
      await expect(policies.create(stan, policy('escalation', [...rules], more))).rejects.toMatchObject(forbidden);
    await expect(policies.upsert(stan, { name: 'of-staging', mode: 'monitor' })).rejects.toMatchObject(forbidden);
  });

  it('opens a host to agents of its environment alone, whichever there are and will be', async () => {
    const { policies } = services;
    for (const agents of [
      ['bot'],
      ['*'],
      ['staging-*'],
      [{ labels: { team: 'finance' } }],
      [{ labels: { environment: 'prod' } }],
      [{ labels: { environment: '*' } }],
      [{ labels: { environment: '' } }],
      [ofStaging, 'bot'],
      [ofStaging, { labels: { environment: 'prod' } }],
    ]) {
      const asked = policy('escalation', [allow('staging/k')], { agents });
      await expect(policies.create(stan, asked)).rejects.toMatchObject(forbidden);
      await expect(policies.upsert(stan, { ...asked, name: 'of-staging' })).rejects.toMatchObject(forbidden);
    }
    const narrower = { labels: { environment: 'staging', team: 'finance' } };
    const asked = policy('narrower', [allow('staging/k')], { agents: [narrower] });
    expect(await policies.create(stan, asked)).toMatchObject({ change: 'CREATED' });
    expect(await policies.remove(stan, 'narrower')).toMatchObject({ change: 'DELETED' });
  });

  it('reads and does not change or remove a grant of its secret to other agents', async () => {
    const { policies } = services;
    const toAll = policy('to-all', [allow('staging/k')], { agents: ['*'] });
    await policies.create(owner, toAll);
    expect(await policies.get(stan, 'to-all')).toMatchObject({ agents: ['*'] });
    await expect(policies.upsert(stan, { name: 'to-all', agents: [ofStaging] })).rejects.toMatchObject(forbidden);
    await expect(policies.remove(stan, 'to-all')).rejects.toMatchObject(forbidden);
    await policies.remove(owner, 'to-all');
  });

  it('serves no host in the clear, which it would be for the secrets of others too', async () => {
    const rules = [{ allow: { hosts: ['api.example.com'], secrets: ['staging/k'], plainHttp: true } }];
    await expect(services.policies.create(stan, policy('escalation', rules))).rejects.toMatchObject(forbidden);
  });

  it('neither reads, changes nor removes a policy or a route of another environment, or of all', async () => {
    const { policies, routes } = services;
    for (const name of ['of-prod', 'of-both', 'of-all']) {
      await expect(policies.get(stan, name)).rejects.toMatchObject(forbidden);
      await expect(policies.remove(stan, name)).rejects.toMatchObject(forbidden);
      await expect(policies.upsert(stan, { name, rules: [allow('staging/k')] })).rejects.toMatchObject(forbidden);
      await expect(policies.replace(stan, name, policy(name, [allow('staging/k')]))).rejects.toMatchObject(forbidden);
    }
    await expect(routes.get(stan, 'r-prod')).rejects.toMatchObject(forbidden);
    await expect(routes.remove(stan, 'r-prod')).rejects.toMatchObject(forbidden);
    await expect(routes.upsert(stan, { name: 'r-prod', secret: 'staging/k' })).rejects.toMatchObject(forbidden);
    await expect(routes.create(stan, route('escalation', 'prod/k'))).rejects.toMatchObject(forbidden);
    // A route of a staging secret would divert the requests of agents of production to whoever owns that secret.
    await expect(routes.create(stan, route('r-staging', 'staging/k'))).rejects.toMatchObject(forbidden);
    expect(await routes.create(owner, route('r-staging', 'staging/k'))).toMatchObject({ change: 'CREATED' });
    await expect(routes.upsert(stan, { name: 'r-staging', secret: 'prod/k' })).rejects.toMatchObject(forbidden);
    await expect(routes.upsert(stan, { name: 'r-staging', secret: 'staging/k' })).rejects.toMatchObject(forbidden);
    await expect(routes.remove(stan, 'r-staging')).rejects.toMatchObject(forbidden);
    const named = async (list: Promise<{ items: { name: string }[] }>) => (await list).items.map(({ name }) => name);
    expect(await named(policies.list(stan))).toEqual(['of-staging']);
    expect(await named(routes.list(stan))).toEqual(['r-staging']);
    expect(await named(policies.list(owner))).toEqual(['of-all', 'of-both', 'of-prod', 'of-staging']);
    expect(await policies.remove(stan, 'of-staging')).toMatchObject({ change: 'DELETED' });
  });

  it('points no secret of another environment at another host', async () => {
    const evil = { binding: { hosts: ['evil.example.com'] } };
    await expect(services.secrets.put(stan, 'prod/k', evil)).rejects.toMatchObject(forbidden);
    await expect(services.secrets.upsert(stan, { name: 'prod/k', ...evil })).rejects.toMatchObject(forbidden);
    expect(await services.secrets.put(stan, 'staging/k', evil)).toMatchObject({ change: 'UPDATED' });
  });

  it('gets no token of an agent, which may hold grants of every environment, and changes none', async () => {
    const { agents, certificates } = services;
    await expect(agents.rotate(stan, 'bot')).rejects.toMatchObject(forbidden);
    await expect(agents.create(stan, { name: 'mine', labels: { team: 'finance' } })).rejects.toMatchObject(forbidden);
    await expect(agents.upsert(stan, { name: 'bot', labels: { team: 'finance' } })).rejects.toMatchObject(forbidden);
    await expect(agents.remove(stan, 'bot')).rejects.toMatchObject(forbidden);
    await expect(certificates.issue(stan, 'bot', {})).rejects.toMatchObject(forbidden);
    expect((await agents.list(stan)).items).toHaveLength(1);
  });

  it('sees the requests that used its secrets, and none that used another’s or nobody’s', async () => {
    const { dataSource, keys } = services;
    for (const [id, secrets] of [
      ['e-1', '{staging/k@1}'],
      ['e-2', '{prod/k@1}'],
      ['e-3', '{staging/k@1,prod/k@1}'],
      ['e-4', '{}'],
      ['e-5', '{staging-2/k@1}'],
    ])
      await dataSource.query(
        `INSERT INTO audit_event (time, id, revision, worker, request_id, decision, reason, host, port, method, status, latency_ms, request_bytes, response_bytes, secrets, sealed_detail)
         VALUES (now(), $1, 1, 'w', 'r', 'allow', 'ALLOWED', 'a.example', 443, 'GET', 200, 1, 0, 0, $2, '\\x00')`,
        [id, secrets],
      );
    const audit = new AuditService(new AuditStore(dataSource, keys.keyring));
    const ids = async (who: Principal) => (await audit.list(who, {}, { limit: 10 })).items.map(({ id }) => id);
    expect(await ids(stan)).toEqual(['e-1']);
    expect((await ids(owner)).length).toBe(5);
  });
});
