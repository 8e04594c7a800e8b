import { CompiledPolicy, decide } from '@onecli/shared/domain/evaluate-policy';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { Policy, PolicyBody } from '@onecli/shared/domain/policy';
import { policyContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import type { Principal } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { PolicyEntity } from '../policies/policy.entity.ts';
import { ApprovalIntake } from './approval-intake.ts';
import { ApprovalService } from './approval.service.ts';
import { refusedEvent } from './testing/ask.ts';

type Opened = Awaited<ReturnType<typeof openServices>>;
const host = 'api.example.com';
let services: Opened;
let approvals: ApprovalService;
let intake: ApprovalIntake;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  const { dataSource: database, change, keys, policies } = services;
  approvals = new ApprovalService({ database, change, keys, policies });
  intake = new ApprovalIntake({ database, keys, log: { warn: (fields) => console.error(fields) } });
  const binding = { hosts: [host], surfaces: ['header'] };
  for (const name of ['prod/key', 'staging/key']) await services.secrets.create(owner, { name, value: 'v', binding });
});
afterAll(() => services.close());

const limitedTo = (environment: string): Principal => ({
  ...owner,
  name: `of-${environment}`,
  assignments: [{ role: 'operator', environments: [environment] }],
});

/** An agent with a rule that asks, and its id. */
async function agentAsking(name: string, more: object = {}): Promise<string> {
  const { object } = await services.agents.create(owner, { name });
  const allow = { hosts: [host], paths: ['/pay/**', '/pay'], secrets: ['prod/key'], approval: true, ...more };
  await services.policies.create(owner, { name: `of-${name}`, agents: [name], rules: [{ allow }] });
  return object.id;
}

async function refused(agent: string, agentId: string, more?: Partial<AuditEvent>): Promise<void> {
  intake.count([refusedEvent(agent, agentId, more)]);
  await intake.write();
}

const mine = async (agent: string) =>
  (await approvals.list(owner, { limit: 200 })).items
    .map(({ approval }) => approval)
    .filter((one) => one.agent === agent);
async function pendingOf(agent: string): Promise<string> {
  const [found] = (await mine(agent)).filter(({ state }) => state === 'PENDING');
  if (found === undefined) throw new Error(`nothing of ${agent} is pending`);
  return found.id;
}

/** What workers decide, by all that lies among the policies. */
async function decision(agent: string, method: string, path: string, nowMs = Date.now()) {
  const rows = await services.dataSource.manager.find(PolicyEntity, { order: { name: 'ASC' } });
  const policies = rows
    .map(({ id, name, version, sealedBody }): Policy => {
      const body = open(services.keys.keyring, policyContext(id, version), sealedBody).toString('utf8');
      return { id, name, ...(JSON.parse(body) as PolicyBody) };
    })
    .filter(({ agents }) => agents.some((one) => one.kind === 'name' && one.name === agent));
  const decided = decide(new CompiledPolicy(policies).rulesFor(host, 443), [method], [path], nowMs);
  return decided.kind === 'allow' ? 'allow' : decided.reason;
}

describe('what is approved', () => {
  it('lets that request of that agent pass, and no other, until it ends', async () => {
    const agentId = await agentAsking('one');
    expect(await decision('one', 'POST', '/pay/1')).toBe('APPROVAL_REQUIRED');
    await refused('one', agentId);
    await refused('one', agentId);
    const id = await pendingOf('one');
    expect(await approvals.get(owner, id)).toMatchObject({
      asks: 2,
      path: '/pay/1',
      method: 'POST',
      rule: 'of-one/rules/0',
    });
    const { object, change } = await approvals.approve(owner, id, { minutes: 5 });
    expect([object.state, object.decidedBy, object.isWholeRule, change]).toEqual([
      'APPROVED',
      `${owner.kind}:${owner.name}`,
      false,
      'UPDATED',
    ]);
    expect(await decision('one', 'POST', '/pay/1')).toBe('allow');
    expect(await decision('one', 'POST', '/pay/2')).toBe('APPROVAL_REQUIRED');
    expect(await decision('one', 'PUT', '/pay/1')).toBe('APPROVAL_REQUIRED');
    expect(await decision('one', 'POST', '/other')).toBe('NO_RULE');
    expect(await decision('one', 'POST', '/pay/1', Date.now() + 301_000)).toBe('APPROVAL_REQUIRED');
    expect((await approvals.end(owner, id)).object.state).toBe('ENDED');
    expect(await decision('one', 'POST', '/pay/1')).toBe('APPROVAL_REQUIRED');
    await refused('one', agentId);
    expect(await approvals.get(owner, id)).toMatchObject({ state: 'PENDING', asks: 1 });
  });

  it('covers the whole rule where that was said, and is over when the rule is changed', async () => {
    const agentId = await agentAsking('whole');
    await refused('whole', agentId);
    await approvals.approve(owner, await pendingOf('whole'), { wholeRule: true });
    expect(await decision('whole', 'DELETE', '/pay/7')).toBe('allow');
    const rule = { allow: { hosts: [host], paths: ['/**'], secrets: ['prod/key'], approval: true } };
    await services.policies.replace(owner, 'of-whole', { agents: ['whole'], rules: [rule] });
    expect(await decision('whole', 'DELETE', '/pay/7')).toBe('APPROVAL_REQUIRED');
  });

  it('ends with its agent, also for another of the same name', async () => {
    const agentId = await agentAsking('reborn');
    await refused('reborn', agentId);
    await approvals.approve(owner, await pendingOf('reborn'), { wholeRule: true });
    expect(await decision('reborn', 'GET', '/pay')).toBe('allow');
    await services.agents.remove(owner, 'reborn');
    await services.agents.create(owner, { name: 'reborn' });
    expect(await decision('reborn', 'GET', '/pay')).toBe('APPROVAL_REQUIRED');
  });

  it('lies among no policies that people see or write', async () => {
    const agentId = await agentAsking('hidden');
    await refused('hidden', agentId);
    const id = await pendingOf('hidden');
    await approvals.approve(owner, id, {});
    const names = (await services.policies.list(owner, { limit: 200 })).items.map(({ name }) => name);
    expect(names).toContain('of-hidden');
    expect(names.filter((name) => name.includes('/'))).toEqual([]);
    await expect(services.policies.get(owner, { id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await services.policies.remove(owner, { id })).toMatchObject({ change: 'UNCHANGED' });
    expect(await decision('hidden', 'POST', '/pay/1')).toBe('allow');
  });
});

describe('what is not decided, or is no', () => {
  it('is not asked for again within the hour after a no, which ends what was approved', async () => {
    const agentId = await agentAsking('denied');
    await refused('denied', agentId);
    const id = await pendingOf('denied');
    await approvals.approve(owner, id, {});
    expect((await approvals.deny(owner, id)).object.state).toBe('DENIED');
    expect(await decision('denied', 'POST', '/pay/1')).toBe('APPROVAL_REQUIRED');
    await refused('denied', agentId);
    expect((await approvals.get(owner, id)).state).toBe('DENIED');
    await services.dataSource.query(
      "UPDATE approval SET decided_at = now() - interval '2 hours', ends_at = now() - interval '1 hour'",
    );
    await refused('denied', agentId);
    expect((await approvals.get(owner, id)).state).toBe('PENDING');
  });

  it('cannot be approved once the rule is another, nor where the path would be a pattern', async () => {
    const agentId = await agentAsking('changed');
    await refused('changed', agentId, { path: '/pay/*' });
    const pattern = await pendingOf('changed');
    await expect(approvals.approve(owner, pattern, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await approvals.approve(owner, pattern, { wholeRule: true })).object.state).toBe('APPROVED');
    await refused('changed', agentId, { path: '/pay/3' });
    const id = await pendingOf('changed');
    await services.policies.replace(owner, 'of-changed', {
      agents: ['changed'],
      rules: [{ allow: { hosts: [host] } }],
    });
    await expect(approvals.approve(owner, id, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await approvals.get(owner, id)).state).toBe('PENDING');
  });

  it('is kept for no rule that asks nothing, and for fifty things of an agent at most', async () => {
    const agentId = await agentAsking('loud');
    await refused('loud', agentId, { rule: 'of-loud/rules/7' });
    await refused('loud', agentId, { rule: 'none/rules/0' });
    await refused('loud', 'b3c5a1de-0000-4000-8000-000000000000');
    expect(await mine('loud')).toEqual([]);
    for (let index = 0; index < 60; index++) intake.count([refusedEvent('loud', agentId, { path: `/pay/${index}` })]);
    await intake.write();
    expect(await mine('loud')).toHaveLength(50);
  });

  it.each([
    '/pay/1;x=y',
    '/pay/a%2Fb',
    '/pay//1',
    '/pay/%41',
    '/pay/a%252Fb',
    '/pay/boat_/7',
    '/pay/onecli:%2F%2Fprod/key',
  ])('cannot be approved alone where more or other than that would be lifted: %s', async (path) => {
    const agent = `odd-${Buffer.from(path).toString('hex')}`.slice(0, 60);
    await refused(agent, await agentAsking(agent), { path });
    const id = await pendingOf(agent);
    await expect(approvals.approve(owner, id, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await approvals.approve(owner, id, { wholeRule: true })).object.state).toBe('APPROVED');
  });

  it('is shown with its rule as it stands now, by which it is approved and recorded', async () => {
    const agentId = await agentAsking('moved');
    await refused('moved', agentId);
    const id = await pendingOf('moved');
    const asking = { hosts: [host], paths: ['/pay/**', '/pay'], secrets: ['prod/key'], approval: true };
    const narrow = { allow: { ...asking, paths: ['/pay/1'], methods: ['GET'] } };
    await services.policies.replace(owner, 'of-moved', { agents: ['moved'], rules: [narrow, { allow: asking }] });
    const covers = { hosts: [host], paths: ['/pay/**', '/pay'], methods: [] };
    expect(await approvals.get(owner, id)).toMatchObject({ rule: 'of-moved/rules/1', covers });
    await approvals.approve(owner, id, { wholeRule: true });
    const [event] = await services.dataSource.query<{ object_name: string }[]>(
      "SELECT object_name FROM admin_event WHERE action = 'approval:approve' ORDER BY at DESC LIMIT 1",
    );
    expect(event?.object_name).toBe('of-moved/rules/1');
    await services.policies.replace(owner, 'of-moved', { agents: ['moved'], rules: [narrow] });
    expect(await approvals.get(owner, id)).toMatchObject({ covers: null });
  });

  it('is not approved after a no that its reader did not see', async () => {
    const agentId = await agentAsking('torn');
    await refused('torn', agentId);
    const id = await pendingOf('torn');
    await approvals.deny(owner, id);
    await expect(approvals.approve(owner, id, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    await approvals.end(owner, id);
    expect((await approvals.approve(owner, id, {})).object.state).toBe('APPROVED');
  });

  it('hides nothing of one agent behind what others ask', async () => {
    await services.dataSource.query('DELETE FROM approval');
    await refused('honest', await agentAsking('honest'));
    for (const name of ['flood-1', 'flood-2', 'flood-3', 'flood-4', 'flood-5']) {
      const agentId = await agentAsking(name);
      for (let index = 0; index < 45; index++) intake.count([refusedEvent(name, agentId, { path: `/pay/${index}` })]);
    }
    await intake.write();
    const { value } = await approvals.follow(() => owner).next();
    const agents = (value as { agent: string }[]).map(({ agent }) => agent);
    expect(agents).toContain('honest');
    expect(agents).toHaveLength(51);
    expect((await approvals.list(owner, { agent: 'honest' })).items).toHaveLength(1);
  }, 30_000);

  it('is decided by who may in the environments of the rule, and shown to nobody else', async () => {
    const agentId = await agentAsking('bounded');
    await refused('bounded', agentId);
    const id = await pendingOf('bounded');
    const staging = limitedTo('staging');
    expect((await approvals.list(staging, {})).items).toEqual([]);
    const notFound = { code: 'NOT_FOUND' };
    await expect(approvals.get(staging, id)).rejects.toMatchObject(notFound);
    await expect(approvals.approve(staging, id, {})).rejects.toMatchObject(notFound);
    await expect(approvals.deny(staging, id)).rejects.toMatchObject(notFound);
    const mixed: Principal = {
      ...owner,
      assignments: [
        { role: 'operator', environments: ['staging'] },
        { role: 'auditor', environments: ['prod'] },
      ],
    };
    expect((await approvals.get(mixed, id)).state).toBe('PENDING');
    await expect(approvals.approve(mixed, id, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await approvals.approve(limitedTo('prod'), id, {})).object.state).toBe('APPROVED');
    const auditor = { ...owner, assignments: [{ role: 'auditor', environments: ['prod'] }] } as Principal;
    await expect(approvals.end(auditor, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await approvals.get(auditor, id)).state).toBe('APPROVED');
  });

  it('ends although its rows were tampered with', async () => {
    const [agentId, other] = [await agentAsking('tampered'), await agentAsking('namesake')];
    await refused('tampered', agentId);
    const id = await pendingOf('tampered');
    await approvals.approve(owner, id, {});
    await services.dataSource.query("UPDATE policy SET name = 'zz' WHERE id = $1", [id]);
    await approvals.end(owner, id);
    expect(await decision('tampered', 'POST', '/pay/1')).toBe('APPROVAL_REQUIRED');
    await services.dataSource.query('UPDATE approval SET agent_id = $1 WHERE id = $2', [other, id]);
    await expect(approvals.approve(owner, id, {})).rejects.toMatchObject({ code: 'CONFLICT' });
    await services.dataSource.query(
      `UPDATE policy SET sealed_body = set_byte(sealed_body, 60, get_byte(sealed_body, 60) # 1) WHERE name = 'of-tampered'`,
    );
    expect(await approvals.get(owner, id)).toMatchObject({ covers: null });
    await services.dataSource.query("DELETE FROM policy WHERE name = 'of-tampered'");
  });

  it('cannot be forged in the database: a body in another row does not open', async () => {
    const agentId = await agentAsking('forger');
    await refused('forger', agentId, { path: '/pay/a' });
    await refused('forger', agentId, { path: '/pay/b' });
    const [one, other] = (await mine('forger')).map(({ id }) => id);
    await services.dataSource.query(
      'UPDATE approval SET sealed_body = (SELECT sealed_body FROM approval WHERE id = $1) WHERE id = $2',
      [one, other],
    );
    await services.dataSource.query(
      "UPDATE approval SET state = 'APPROVED', ends_at = now() + interval '1 day' WHERE id = $1",
      [one],
    );
    expect(await mine('forger')).toHaveLength(1);
    expect(await decision('forger', 'POST', '/pay/a')).toBe('APPROVAL_REQUIRED');
    await expect(approvals.approve(owner, other ?? '', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
