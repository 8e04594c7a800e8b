import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { PolicyBody } from '@onecli/shared/domain/policy';
import type { RouteBody } from '@onecli/shared/domain/route';
import type { AgentRecord, SecretRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import type { ConfigChanges, SealedAgent, SealedPolicy } from '@onecli/shared/ports/snapshot-source';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChanges, type Openers } from './apply-changes.ts';
import { sampleAgent } from './testing/sample-snapshot.ts';

const authority = { id: 'authority-1', certificatePem: 'PEM', sealedKey: Buffer.alloc(0) };

function changes(revision: number, more: Partial<ConfigChanges> = {}): ConfigChanges {
  return {
    revision,
    epoch: { epoch: 0, mac: undefined, isRestored: false },
    keys: { generation: 0, keyCheck: Buffer.alloc(0), terms: [] },
    isWhole: false,
    secrets: [],
    agents: [],
    policies: [],
    routes: [],
    authority: undefined,
    otherAuthorities: undefined,
    clientAuthorities: undefined,
    removedIds: [],
    ...more,
  };
}

const secret = (id: string, name: string, currentVersion = 1): SecretRecord => ({
  id,
  name,
  binding: { hosts: ['api.example.com'], surfaces: ['header'] },
  isDisabled: false,
  currentVersion,
  versions: new Map(),
});
const policy = (id: string, name: string, host = 'a.example'): SealedPolicy => ({
  id,
  name,
  version: 1,
  sealedBody: Buffer.from(host),
});
const routeBody: RouteBody = { secret: 'prod/a', hosts: ['a.example'], paths: [], methods: [], inject: [] };
const openRoute: Openers['openRoute'] = () => routeBody;
const openBody: Openers['openBody'] = ({ sealedBody }): PolicyBody => ({
  agents: [],
  rules: [{ effect: 'allow', hosts: [sealedBody.toString()], paths: [], methods: [], secrets: [] }],
});
/** An agent as it comes from the store, and as it is in a snapshot. */
const agent = (name: string, more: Partial<AgentRecord> = {}): SealedAgent => {
  const { identities, ...record } = sampleAgent(name, more);
  return { ...record, sealedIdentities: Buffer.from(JSON.stringify(identities)), mac: undefined };
};
const openIdentities: Openers['openIdentities'] = ({ sealedIdentities }) =>
  JSON.parse(String(sealedIdentities)) as AgentIdentity[];
const openers: Openers = { openBody, openRoute, openIdentities, isBelieved: () => true };
const first = (more: Partial<ConfigChanges>): Snapshot =>
  applyChanges(undefined, changes(1, { isWhole: true, authority, ...more }), openers);

describe('applyChanges', () => {
  it('knows an agent whose row was altered by nothing: no token, no identity, and not the labels for which rules are', () => {
    const tokens = [{ hash: '0f', expiresAtMs: undefined }];
    const [one, other] = [agent('low', { tokens }), agent('high', { tokens })];
    const isBelieved: Openers['isBelieved'] = ({ id }) => id !== one.id;
    const given = changes(1, { isWhole: true, authority, agents: [one, other] });
    const { agents } = applyChanges(undefined, given, { ...openers, isBelieved });
    expect(agents.get(one.id)).toMatchObject({ tokens: [], identities: [], isDisabled: true });
    expect(agents.get(other.id)).toMatchObject({ tokens, isDisabled: false });
  });

  it('takes the whole for all there is', () => {
    const before = first({
      secrets: [secret('1', 'prod/a')],
      agents: [agent('bot')],
      policies: [policy('2', 'p')],
    });
    const after = applyChanges(
      before,
      changes(2, { isWhole: true, authority, secrets: [secret('3', 'prod/b')] }),
      openers,
    );
    expect([...after.secrets.keys()]).toEqual(['prod/b']);
    expect(after.agents.size + after.policies.size).toBe(0);
    expect(after.revision).toBe(2);
  });

  it('adds to what was there, and leaves that as it was', () => {
    const before = first({ secrets: [secret('1', 'prod/a')] });
    const after = applyChanges(before, changes(2, { secrets: [secret('3', 'prod/b')] }), openers);
    expect([...after.secrets.keys()].sort()).toEqual(['prod/a', 'prod/b']);
    expect([...before.secrets.keys()]).toEqual(['prod/a']);
    expect(before.revision).toBe(1);
  });

  it('forgets the old name of what was renamed', () => {
    const before = first({ secrets: [secret('1', 'prod/a')], policies: [policy('2', 'old')] });
    const renamed = changes(2, { secrets: [secret('1', 'prod/z')], policies: [policy('2', 'new')] });
    const after = applyChanges(before, renamed, openers);
    expect([...after.secrets.keys()]).toEqual(['prod/z']);
    expect([...after.policies.keys()]).toEqual(['new']);
  });

  it('lets two swap their names', () => {
    const before = first({ secrets: [secret('1', 'prod/a'), secret('2', 'prod/b')] });
    const after = applyChanges(
      before,
      changes(2, { secrets: [secret('1', 'prod/b'), secret('2', 'prod/a')] }),
      openers,
    );
    expect([...after.secrets].map(([name, { id }]) => `${name} ${id}`).sort()).toEqual(['prod/a 2', 'prod/b 1']);
  });

  it('gives a name that was freed to another row in the same change', () => {
    const before = first({ secrets: [secret('1', 'prod/a')] });
    const after = applyChanges(before, changes(2, { removedIds: ['1'], secrets: [secret('2', 'prod/a')] }), openers);
    expect(after.secrets.get('prod/a')?.id).toBe('2');
  });

  it('takes out what was removed, of each kind', () => {
    const before = first({
      secrets: [secret('1', 'prod/a')],
      agents: [agent('bot', { id: '2' })],
      policies: [policy('3', 'p')],
    });
    const after = applyChanges(before, changes(2, { removedIds: ['1', '2', '3', 'unknown'] }), openers);
    expect(after.secrets.size + after.agents.size + after.policies.size).toBe(0);
  });

  it('keeps the authority until there is another, and demands one', () => {
    const before = first({});
    expect(applyChanges(before, changes(2), openers).authority).toBe(authority);
    const next = { ...authority, id: 'authority-2' };
    expect(applyChanges(before, changes(2, { authority: next }), openers).authority).toBe(next);
    expect(() => applyChanges(undefined, changes(1, { isWhole: true }), openers)).toThrow('authority');
    expect(() => applyChanges(before, changes(2, { isWhole: true }), openers)).toThrow('authority');
  });

  it('keeps the authorities for client certificates until there are others, and needs none', () => {
    const clientAuthorities = [{ ...authority, id: 'clients-1' }];
    expect(first({}).clientAuthorities).toEqual([]);
    const before = first({ clientAuthorities });
    expect(applyChanges(before, changes(2), openers).clientAuthorities).toBe(clientAuthorities);
    const next = [{ ...authority, id: 'clients-2' }];
    expect(applyChanges(before, changes(2, { clientAuthorities: next }), openers).clientAuthorities).toBe(next);
  });

  it('opens the identities of an agent, and no others', () => {
    const identities: AgentIdentity[] = [{ kind: 'source', cidrs: ['10.0.0.0/8'] }];
    expect(first({ agents: [agent('bot', { identities })] }).agents.get('id-of-bot')).toEqual(
      sampleAgent('bot', { identities }),
    );
  });

  it('refuses the whole change when one policy does not open', () => {
    const broken: Openers['openBody'] = (sealed) => {
      if (sealed.name === 'deny-all') throw new Error('altered');
      return openBody(sealed);
    };
    const both = changes(2, { isWhole: true, authority, policies: [policy('1', 'allow'), policy('2', 'deny-all')] });
    expect(() => applyChanges(undefined, both, { ...openers, openBody: broken })).toThrow('altered');
  });

  it('comes to the same step by step as at once', () => {
    const ids = ['1', '2', '3', '4'];
    const step = fc.record({
      id: fc.constantFrom(...ids),
      kind: fc.constantFrom('secret', 'agent', 'policy', 'remove'),
      /** With the id, so that no two rows have one name at the same time. */
      name: fc.constantFrom('a', 'b', 'c'),
      value: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const rows = {
          secrets: new Map<string, SecretRecord>(),
          agents: new Map<string, SealedAgent>(),
          policies: new Map<string, SealedPolicy>(),
        };
        let snapshot = first({});
        let revision = 1;
        for (const { id, kind, name, value } of steps) {
          const change = oneChange(kind, id, name, value);
          for (const row of change.secrets ?? []) rows.secrets.set(row.id, row);
          for (const row of change.agents ?? []) rows.agents.set(row.id, row);
          for (const row of change.policies ?? []) rows.policies.set(row.id, row);
          for (const gone of change.removedIds ?? []) for (const table of Object.values(rows)) table.delete(gone);
          snapshot = applyChanges(snapshot, changes(++revision, change), openers);
        }
        const whole = applyChanges(
          undefined,
          changes(revision, {
            isWhole: true,
            authority,
            secrets: [...rows.secrets.values()],
            agents: [...rows.agents.values()],
            policies: [...rows.policies.values()],
          }),
          openers,
        );
        expect(plain(snapshot)).toEqual(plain(whole));
      }),
      { numRuns: 500 },
    );
  });
});

/** With maps that are compared whatever the order of their entries. */
function plain(snapshot: Snapshot): object {
  const { secrets, agents, policies, routes } = snapshot;
  return {
    ...snapshot,
    secrets: new Map(secrets),
    agents: new Map(agents),
    policies: new Map(policies),
    routes: new Map(routes),
  };
}

function oneChange(kind: string, id: string, name: string, value: number): Partial<ConfigChanges> {
  switch (kind) {
    case 'secret':
      return { secrets: [secret(`s${id}`, `${name}/${id}`, value)] };
    case 'agent':
      return { agents: [agent(`${name}-${id}`, { id: `a${id}`, isDisabled: value > 5 })] };
    case 'policy':
      return { policies: [policy(`p${id}`, `${name}-${id}`, `${value}.example`)] };
    default:
      return { removedIds: [`s${id}`, `a${id}`, `p${id}`] };
  }
}
