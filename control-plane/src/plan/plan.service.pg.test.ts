import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere, type Principal } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import type { Plan } from './plan.service.ts';
import { newValue } from './planned-change.ts';

type Services = Awaited<ReturnType<typeof openServices>>;

let services: Services;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());
beforeEach(async () => {
  await services.dataSource.query('DELETE FROM agent; DELETE FROM secret; DELETE FROM policy; DELETE FROM route');
});

const auditor: Principal = { kind: 'user', name: 'ada', assignments: everywhere('auditor') };
const operator: Principal = { kind: 'user', name: 'olga', assignments: everywhere('operator') };
const stagingAdmin: Principal = {
  kind: 'user',
  name: 'sam',
  assignments: [{ role: 'admin', environments: ['staging'] }],
};

const stripe = {
  name: 'prod/stripe',
  value: 'sk_live_canary_1',
  binding: { hosts: ['api.stripe.com'], surfaces: ['header', 'basic'] },
};
const agent = { name: 'openclaw-finance', labels: { team: 'finance' }, identities: [{ token: {} }] };
const finance = {
  name: 'finance',
  agents: ['openclaw-finance'],
  rules: [
    { allow: { hosts: ['api.stripe.com'], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/stripe'] } },
    { deny: { hosts: ['api.openai.com'] } },
  ],
};
const route = {
  name: 'stripe',
  secret: 'prod/stripe',
  hosts: ['api.stripe.com'],
  inject: [{ header: { name: 'Authorization', template: 'Bearer {secret}' } }],
};
const config = { secrets: [stripe], agents: [agent], policies: [finance], routes: [route] };

async function applied(request: object, principal = owner) {
  const { planHash } = await services.plans.plan(principal, request);
  return services.plans.apply(principal, { ...request, planHash });
}
const actions = ({ changes }: Pick<Plan, 'changes'>) =>
  changes.map(({ kind, name, action }) => `${action} ${kind} ${name}`);
const revisionNow = async () => (await services.plans.plan(owner, { config: {} })).revision;

describe('plan', () => {
  it('says field by field what apply would do, and does nothing', async () => {
    const before = await revisionNow();
    const plan = await services.plans.plan(owner, { config });
    expect(actions(plan)).toEqual([
      'CREATE secret prod/stripe',
      'CREATE agent openclaw-finance',
      'CREATE policy finance',
      'CREATE route stripe',
    ]);
    expect(plan.changes[0]?.fields).toContainEqual({ field: 'value', before: null, after: newValue });
    expect(plan.changes[1]).toMatchObject({ makesToken: true, refused: null });
    expect(plan.planHash).toMatch(/^[0-9a-f]{64}$/);
    expect(await revisionNow()).toBe(before);
    expect((await services.secrets.list(owner)).items).toEqual([]);
  });

  it('has nothing of a value in it, whatever becomes of it', async () => {
    await applied({ config });
    const requests = [
      { config: { ...config, secrets: [{ ...stripe, value: 'sk_live_canary_2' }] } },
      { config: { secrets: [{ ...stripe, value: 'sk_live_canary_2\n' }] } },
      { config: { secrets: [{ ...stripe, value: ['sk_live_canary_2'], sk_live_canary_3: 1 }] } },
    ];
    for (const request of requests) {
      const said = JSON.stringify(await services.plans.plan(owner, request));
      expect(said).not.toContain('sk_live_canary_1');
      expect(said).not.toContain('sk_live_canary_2');
    }
    const events = JSON.stringify(await services.dataSource.query('SELECT * FROM admin_event'));
    expect(events).not.toContain('canary');
  });

  it('names what is wrong with each object, all at once, and cannot be applied', async () => {
    const request = {
      config: {
        secrets: [{ name: 'Prod' }, { name: 'prod/new' }],
        agents: [agent, agent],
        policies: [{ ...finance, rules: [{ allow: { hosts: ['*.com'] } }] }],
      },
    };
    const plan = await services.plans.plan(owner, request);
    expect(plan.problems.map(({ field }) => field)).toEqual([
      'secrets[0].name',
      'agents[1].name',
      'policies[0].rules[0].allow.hosts[0]',
      'secrets[1].value',
    ]);
    expect(plan.planHash).toBeNull();
    await expect(services.plans.apply(owner, { ...request, planHash: 'x' })).rejects.toMatchObject({
      code: 'INVALID',
      field: 'secrets[0].name',
    });
  });

  it('names an agent or a secret that a policy or a route names and nobody makes', async () => {
    const plan = await services.plans.plan(owner, { config: { policies: [finance], routes: [route] } });
    expect(plan.problems.map(({ field }) => field)).toEqual([
      'policies[0].agents[0]',
      'policies[0].rules[0].allow.secrets[0]',
      'routes[0].secret',
    ]);
  });

  it('without values leaves those that are stored, and makes no secret', async () => {
    const { value: _, ...valueless } = stripe;
    const request = { config: { secrets: [valueless] }, withoutValues: true };
    expect(await services.plans.plan(owner, request)).toMatchObject({ planHash: null, problems: [] });
    await applied({ config: { secrets: [stripe] } });
    expect(actions(await services.plans.plan(owner, request))).toEqual(['NONE secret prod/stripe']);
  });

  it('shows what a role would be refused', async () => {
    await applied({ config });
    const changed = {
      config: {
        secrets: [
          { ...stripe, description: 'changed' },
          { name: 'staging/new', value: 'x' },
        ],
        policies: [{ ...finance, mode: 'monitor' }],
      },
    };
    const refusals = async (principal: Principal) =>
      (await services.plans.plan(principal, changed)).changes.map(({ refused }) => refused?.message ?? null);
    expect(await refusals(owner)).toEqual([null, null, null]);
    expect(await refusals(operator)).toEqual([
      null,
      'The role operator may not secret:create in staging',
      'The role operator may not policy:update in prod',
    ]);
    expect(await refusals(auditor)).toHaveLength(3);
    expect((await services.plans.plan(auditor, changed)).planHash).toBeNull();
    await expect(services.plans.apply(operator, { ...changed, planHash: 'x' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('does not show an object of an environment that the principal may not read', async () => {
    await applied({ config: { secrets: [{ ...stripe, description: 'canary-description' }] } });
    const plan = await services.plans.plan(stagingAdmin, { config: { secrets: [stripe] } });
    expect(plan.changes).toMatchObject([{ action: 'UNKNOWN', fields: [], refused: { code: 'FORBIDDEN' } }]);
    expect(JSON.stringify(plan)).not.toContain('canary-description');
  });

  it('lets a policy be changed by who may change its environment, and a route by nobody else than who may change all', async () => {
    const agents = [{ labels: { environment: 'staging' } }];
    const staging = {
      config: {
        secrets: [{ name: 'staging/a', value: 'x' }],
        policies: [{ name: 'staging', agents, rules: [{ allow: { hosts: ['a.example'], secrets: ['staging/a'] } }] }],
      },
    };
    await applied(staging, stagingAdmin);
    const diverting = { config: { routes: [{ ...route, name: 'staging', secret: 'staging/a' }] } };
    const diverted = await services.plans.plan(stagingAdmin, diverting);
    expect(diverted.changes).toMatchObject([{ refused: { code: 'FORBIDDEN' } }]);
    await applied({ config });
    const [wider] = staging.config.policies.map((policy) => ({ ...policy, agents: [...agents, '*'] }));
    const widened = await services.plans.plan(stagingAdmin, { config: { policies: [wider] } });
    expect(widened.changes).toMatchObject([{ action: 'UPDATE', refused: { code: 'FORBIDDEN' } }]);
    const grabbing = { ...finance, rules: [{ allow: { hosts: ['a.example'], secrets: ['staging/a'] } }] };
    const { changes } = await services.plans.plan(stagingAdmin, { config: { policies: [grabbing], routes: [route] } });
    expect(changes).toMatchObject([{ action: 'UNKNOWN' }, { action: 'UNKNOWN' }]);
  });

  it.each([
    { rateLimit: { requests: 1, perSeconds: 86_400 } },
    { maxConcurrent: 1 },
    { maxBodyBytes: 1 },
    { plainHttp: true },
  ])('does not let who is limited to an environment decide over what agents do with all of them: %j', async (limit) => {
    await applied({ config: { secrets: [{ name: 'staging/a', value: 'x' }] } });
    const rules = [{ allow: { hosts: ['api.stripe.com'], secrets: ['staging/a'], ...limit } }];
    const policy = { name: 'limiting', agents: [{ labels: { environment: 'staging' } }], rules };
    const { changes } = await services.plans.plan(stagingAdmin, { config: { policies: [policy] } });
    expect(changes).toMatchObject([{ refused: { code: 'FORBIDDEN' } }]);
    await expect(services.policies.create(stagingAdmin, policy)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await services.policies.create(owner, policy)).toMatchObject({ change: 'CREATED' });
  });

  it('is no way to find out which secrets another environment has', async () => {
    const rules = (name: string) => [{ allow: { hosts: ['a.example'], secrets: [name] } }];
    const agents = [{ labels: { environment: 'staging' } }];
    const policy = (name: string) => ({ name: 'staging', agents, rules: rules(name) });
    await applied({
      config: { secrets: [stripe, { name: 'staging/a', value: 'x' }], policies: [policy('staging/a')] },
    });
    await applied({ config: { routes: [{ ...route, name: 'staging', secret: 'staging/a' }] } });
    const asked = async (name: string) => {
      const routes = [{ ...route, name: 'staging', secret: name }];
      const plan = await services.plans.plan(stagingAdmin, { config: { policies: [policy(name)], routes } });
      return { refused: plan.changes.map(({ refused }) => refused?.code), problems: plan.problems };
    };
    expect(await asked('prod/stripe')).toEqual({ refused: ['FORBIDDEN', 'FORBIDDEN'], problems: [] });
    expect(await asked('prod/absent')).toEqual(await asked('prod/stripe'));
  });

  it('is applied by a key that may make secrets and not set them anew', async () => {
    const actions = new Set(['secret:create', 'secret:read'] as const);
    const limits = { actions, environments: undefined, owner: undefined };
    const maker: Principal = { kind: 'key', name: 'maker', assignments: everywhere('owner'), limits };
    await applied({ config: { secrets: [stripe] } }, maker);
    expect((await services.plans.plan(maker, { config: { secrets: [stripe] } })).planHash).toBeNull();
  });

  it('is no way to find a value out by asking on, for who may not set it', async () => {
    await applied({ config: { secrets: [stripe] } });
    const [right] = (await services.plans.plan(auditor, { config: { secrets: [stripe] } })).changes;
    const guess = { ...stripe, value: 'a guess' };
    const [wrong] = (await services.plans.plan(auditor, { config: { secrets: [guess] } })).changes;
    expect(right).toEqual(wrong);
  });
});

describe('apply', () => {
  it('does all in one revision, tells tokens once, and has nothing to do the second time', async () => {
    const before = await revisionNow();
    const done = await applied({ config });
    expect(done.revision).toBe(before + 1);
    expect(done.tokens).toEqual([{ agent: 'openclaw-finance', token: expect.stringMatching(/^oat_/) }]);
    const again = await services.plans.plan(owner, { config });
    expect(actions(again)).toEqual([
      'NONE secret prod/stripe',
      'NONE agent openclaw-finance',
      'NONE policy finance',
      'NONE route stripe',
    ]);
    expect(await applied({ config })).toMatchObject({ revision: before + 1, tokens: [] });
  });

  it('changes what differs and leaves the rest', async () => {
    await applied({ config });
    const changed = {
      secrets: [{ ...stripe, value: 'sk_live_canary_9' }],
      agents: [{ ...agent, labels: { team: 'ops' } }],
      policies: [finance],
      routes: [{ ...route, methods: ['GET'] }],
    };
    const plan = await services.plans.plan(owner, { config: changed });
    expect(actions(plan)).toEqual([
      'UPDATE secret prod/stripe',
      'UPDATE agent openclaw-finance',
      'NONE policy finance',
      'UPDATE route stripe',
    ]);
    expect(plan.changes[1]?.fields).toEqual([{ field: 'labels', before: { team: 'finance' }, after: { team: 'ops' } }]);
    await applied({ config: changed });
    expect(await services.secrets.get(owner, 'prod/stripe')).toMatchObject({ version: 2 });
  });

  it('leaves an agent disabled that was disabled by hand', async () => {
    await applied({ config });
    await services.agents.update(owner, 'openclaw-finance', { isDisabled: true });
    expect(actions(await services.plans.plan(owner, { config: { agents: [agent] } }))).toEqual([
      'NONE agent openclaw-finance',
    ]);
  });

  it('refuses when an object changed since its plan, and when the plan is that of another configuration', async () => {
    await applied({ config });
    const changed = { config: { ...config, secrets: [{ ...stripe, description: 'one' }] } };
    const { planHash } = await services.plans.plan(owner, changed);
    const other = { config: { ...config, secrets: [{ ...stripe, description: 'other' }] } };
    const rotated = { config: { ...config, secrets: [{ ...stripe, description: 'one', value: 'another' }] } };
    for (const request of [other, rotated, { ...changed, adopt: true, managedBy: 'me' }])
      await expect(services.plans.apply(owner, { ...request, planHash })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('plan again'),
      });
    await services.secrets.put(owner, 'prod/stripe', { description: 'meanwhile' });
    await expect(services.plans.apply(owner, { ...changed, planHash })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await services.secrets.get(owner, 'prod/stripe')).toMatchObject({ description: 'meanwhile', version: 1 });
  });

  it('undoes everything when object 999 of 1,000 is bad', { timeout: 180_000 }, async () => {
    await services.agents.create(owner, { name: 'other', identities: [{ mtls: { commonName: 'taken' } }] });
    const before = await revisionNow();
    const agents = Array.from({ length: 1_000 }, (_, index) => ({
      name: `agent-${index}`,
      identities: index === 998 ? [{ mtls: { commonName: 'taken' } }] : [{ token: {} }],
    }));
    await expect(applied({ config: { agents } })).rejects.toMatchObject({
      code: 'IDENTITY_TAKEN',
      field: 'agents[998].identities[0].mtls.commonName',
    });
    expect(await revisionNow()).toBe(before);
    const [counts] = await services.dataSource.query<{ agents: string; tokens: string; events: string }[]>(
      `SELECT (SELECT count(*) FROM agent) AS agents, (SELECT count(*) FROM agent_token) AS tokens,
              (SELECT count(*) FROM admin_event WHERE object_name LIKE 'agent-%') AS events`,
    );
    expect(counts).toEqual({ agents: '1', tokens: '0', events: '0' });
  });
});

describe('prune and adopt', () => {
  const mine = 'github.com/acme/infra';

  it('removes what the same source made and the configuration no longer names, and nothing else', async () => {
    await services.agents.create(owner, { name: 'by-hand' });
    await applied({ config: { agents: [{ name: 'theirs' }] }, managedBy: 'other' });
    await applied({ config, managedBy: mine });
    const kept = { config: { secrets: [stripe], agents: [agent] }, managedBy: mine };
    expect(actions(await services.plans.plan(owner, kept))).not.toContain('DELETE policy finance');
    const plan = await services.plans.plan(owner, { ...kept, prune: true });
    expect(actions(plan)).toEqual([
      'NONE secret prod/stripe',
      'NONE agent openclaw-finance',
      'DELETE route stripe',
      'DELETE policy finance',
    ]);
    await applied({ ...kept, prune: true });
    expect((await services.policies.list(owner)).items).toEqual([]);
    await applied({ config: {}, managedBy: mine, prune: true });
    const left = (await services.agents.list(owner)).items.map(({ name, managedBy }) => [name, managedBy]);
    expect(left).toEqual([
      ['by-hand', null],
      ['theirs', 'other'],
    ]);
  });

  it('asks for the source', async () => {
    await expect(services.plans.plan(owner, { config, prune: true })).rejects.toMatchObject({ field: 'prune' });
    await expect(services.plans.plan(owner, { config, adopt: true })).rejects.toMatchObject({ field: 'adopt' });
  });

  it('refuses to change what another source made, unless it is adopted', async () => {
    await applied({ config: { agents: [agent] }, managedBy: 'other' });
    expect(actions(await services.plans.plan(owner, { config: { agents: [agent] }, managedBy: mine }))).toEqual([
      'NONE agent openclaw-finance',
    ]);
    const changed = { config: { agents: [{ ...agent, labels: {} }] }, managedBy: mine };
    const { changes, planHash } = await services.plans.plan(owner, changed);
    expect(changes[0]?.refused).toMatchObject({ code: 'MANAGED_ELSEWHERE' });
    expect(planHash).toBeNull();
    await expect(services.plans.apply(owner, { ...changed, planHash: 'x' })).rejects.toMatchObject({
      code: 'MANAGED_ELSEWHERE',
    });
    await applied({ ...changed, adopt: true });
    expect(await services.agents.get(owner, agent.name)).toMatchObject({ managedBy: mine, labels: {} });
    expect(await services.plans.plan(owner, { ...changed, adopt: true })).toMatchObject({
      changes: [{ action: 'NONE' }],
    });
  });

  it('does not make an object that was made by hand its own by changing it: prune leaves it', async () => {
    await services.agents.create(owner, { name: agent.name });
    await applied({ config: { agents: [agent] }, managedBy: mine });
    expect(await services.agents.get(owner, agent.name)).toMatchObject({ managedBy: null, labels: agent.labels });
    expect(actions(await services.plans.plan(owner, { config: {}, managedBy: mine, prune: true }))).toEqual([]);
  });

  it('refuses a policy that names what it would delete', async () => {
    await applied({ config, managedBy: mine });
    const request = { config: { agents: [agent], policies: [finance] }, managedBy: mine, prune: true };
    const plan = await services.plans.plan(owner, request);
    expect(plan.problems.map(({ field }) => field)).toEqual(['policies[0].rules[0].allow.secrets[0]']);
  });
});

describe('hostile configurations', () => {
  it('are refused with the field, and alter no prototype', async () => {
    const polluting = JSON.parse('{"config":{"agents":[{"name":"a","labels":{"__proto__":{"x":"y"}}}]}}') as object;
    const { problems, planHash } = await services.plans.plan(owner, polluting);
    expect({ problems: problems.length, planHash }).toEqual({ problems: 1, planHash: null });
    const hidden = JSON.parse('{"config":{"__proto__":{"agents":[{"name":"a"}]}}}') as object;
    expect(actions(await services.plans.plan(owner, hidden).catch(() => ({ changes: [] })))).toEqual([]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    for (const request of [{}, { config: [] }, { config: { agents: 1 } }, { config: {}, more: 1 }, null, 'x'])
      await expect(services.plans.plan(owner, request)).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('of more than 10,000 objects are refused before any is looked at', async () => {
    const agents = Array.from({ length: 10_001 }, () => null);
    await expect(services.plans.plan(owner, { config: { agents } })).rejects.toMatchObject({ code: 'INVALID' });
  });
});
