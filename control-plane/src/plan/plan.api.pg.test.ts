import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { objectKinds, planActions } from './planned-change.ts';
import { ObjectKind, PlanAction } from './plan.type.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

const plan = `mutation ($config: ConfigurationInput!) {
  plan(config: $config, managedBy: "files") { planHash changes { kind name action fields { field after } makesToken } errors { code field } }
}`;
const apply = `mutation ($config: ConfigurationInput!, $planHash: String!) {
  apply(config: $config, managedBy: "files", planHash: $planHash) { change tokens { agent token } errors { code field message } }
}`;
const config = {
  secrets: [{ name: 'prod/a', value: 'canary-value-of-a', binding: { hosts: ['a.example'] } }],
  agents: [{ name: 'a' }],
};

describe('plan and apply by GraphQL', () => {
  it('show, do, and have nothing left to do', async () => {
    const shown = await api.graphql(plan, { config });
    expect(shown.errors).toBeUndefined();
    const planHash = (shown.data?.['plan'] as { planHash: string } | undefined)?.planHash;
    expect(shown.data).toMatchObject({
      plan: {
        errors: [],
        changes: [
          { kind: 'SECRET', name: 'prod/a', action: 'CREATE' },
          { kind: 'AGENT', action: 'CREATE', makesToken: true },
        ],
      },
    });
    const done = await api.graphql(apply, { config, planHash });
    expect(done.data).toMatchObject({ apply: { change: 'UPDATED', errors: [], tokens: [{ agent: 'a' }] } });
    const again = await api.graphql(apply, { config, planHash });
    expect(again.data).toMatchObject({ apply: { change: null, errors: [{ code: 'CONFLICT', field: 'planHash' }] } });
    expect(JSON.stringify([shown, done, again, api.logLines])).not.toContain('canary-value');
  });

  it('tell what is wrong in the payload', async () => {
    const wrong = { agents: [{ name: 'Ä' }], policies: 'x' };
    expect((await api.graphql(plan, { config: wrong })).data).toMatchObject({
      plan: { planHash: null, errors: [{ code: 'INVALID', field: 'agents[0].name' }, { code: 'INVALID' }] },
    });
  });

  it('name kinds and actions as the domain does', () => {
    expect(Object.values(ObjectKind)).toEqual([...objectKinds]);
    expect(Object.values(PlanAction)).toEqual([...planActions]);
  });
});

describe('a large configuration', () => {
  it('of 5 MB is taken by plan, and by nothing else', async () => {
    const agents = Array.from({ length: 5_000 }, (_, index) => ({
      name: `agent-${index}`,
      labels: Object.fromEntries(Array.from({ length: 8 }, (__, key) => [`key-${key}`, 'x'.repeat(100)])),
    }));
    const answer = await api.call('POST', '/api/plan', { config: { agents } });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ problems: [] });
    expect((await api.call('POST', '/api/agents', { agents })).status).toBe(413);
  });
});
