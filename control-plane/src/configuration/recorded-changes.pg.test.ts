import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services?.close());

interface Detail {
  readonly fields?: string[];
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
}

/** The detail of the last event. */
async function told(action: string): Promise<Detail> {
  const rows = await services.dataSource.query<{ action: string; detail: Detail }[]>(
    'SELECT action, detail FROM admin_event ORDER BY at DESC LIMIT 1',
  );
  expect(rows[0]?.action).toBe(action);
  return rows[0]?.detail ?? {};
}

const print = expect.stringMatching(/^[0-9a-f]{16}$/) as string;

describe('the event of a change', () => {
  it('tells to which host a secret was moved, and from which', async () => {
    const { secrets } = services;
    const binding = { hosts: ['api.example'], surfaces: ['header'], scrub: 'replace' };
    await secrets.create(owner, { name: 'prod/k', value: 'canary-value', description: 'canary-note', binding });
    expect((await told('secret:create')).after).toMatchObject({ binding, isDisabled: false, expiresAt: null });
    const moved = { ...binding, hosts: ['evil.example'], allowCleartext: true };
    await secrets.put(owner, 'prod/k', { binding: moved });
    expect(await told('secret:update')).toEqual({
      fields: ['binding'],
      version: 1,
      before: { binding },
      after: { binding: moved },
    });
  });

  it('tells states, times and limits of a secret, and of a note, an alias and a value that they changed', async () => {
    const expiresAt = '2099-01-01T00:00:00.000Z';
    const update = {
      description: 'canary-other',
      alias: { prefix: 'sk-' },
      isDisabled: true,
      expiresAt,
      maxVersions: 3,
    };
    const { object } = await services.secrets.put(owner, 'prod/k', { ...update, value: 'canary-new' });
    const detail = await told('secret:rotate');
    expect(detail).toMatchObject({
      before: { isDisabled: false, expiresAt: null, maxVersions: null },
      after: { isDisabled: true, expiresAt, maxVersions: 3 },
    });
    expect(detail.fields?.toSorted()).toEqual([
      'alias',
      'description',
      'expiresAt',
      'isDisabled',
      'maxVersions',
      'value',
    ]);
    expect(object.alias).toMatch(/^sk-/);
    expect(JSON.stringify(detail)).not.toMatch(/canary|sk-/);
  });

  it('tells labels and state of an agent, and of its identities which are others', async () => {
    const { agents } = services;
    const header = (value: string) => ({ header: { name: 'x-agent', value, cidrs: ['10.0.0.0/8'] } });
    const identities = [{ token: {} }, header('canary-one')];
    await agents.create(owner, { name: 'bot', labels: { team: 'a' }, identities });
    await agents.update(owner, 'bot', { labels: { team: 'b' }, isDisabled: true });
    expect(await told('agent:update')).toEqual({
      fields: ['labels', 'isDisabled'],
      before: { labels: { team: 'a' }, isDisabled: false },
      after: { labels: { team: 'b' }, isDisabled: true },
    });
    await agents.update(owner, 'bot', { identities: [{ token: {} }, header('canary-two')] });
    const { before, after } = await told('agent:update');
    const [was, is] = [before?.['identities'], after?.['identities']] as string[][];
    expect(was?.map((text) => text.split(' ')[0])).toEqual(['token', 'header']);
    expect(is?.[0]).toBe(was?.[0]);
    expect(is?.[1]).not.toBe(was?.[1]);
    expect(JSON.stringify([before, after])).not.toContain('canary');
  });

  it('tells hosts, agents and grants of a policy, and of paths that they are others', async () => {
    const { policies } = services;
    const allow = { hosts: ['a.example'], secrets: ['prod/k'], paths: ['/canary/**'] };
    await policies.create(owner, { name: 'p', agents: ['bot'], rules: [{ allow }] });
    await policies.replace(owner, 'p', { agents: ['*'], rules: [{ allow: { ...allow, hosts: ['*.a.example'] } }] });
    const { paths: _, ...shown } = allow;
    const rule = (hosts: string[], paths = print) => ({ allow: { ...shown, hosts, paths } });
    const detail = await told('policy:update');
    expect(detail).toEqual({
      fields: ['agents', 'rules'],
      version: 2,
      before: { agents: ['bot'], rules: [rule(['a.example'])] },
      after: { agents: ['*'], rules: [rule(['*.a.example'])] },
    });
    await policies.replace(owner, 'p', {
      agents: ['*'],
      rules: [{ allow: { ...allow, hosts: ['*.a.example'], paths: ['/**'] } }],
    });
    const { before, after } = await told('policy:update');
    expect(before).toEqual({ rules: detail.after?.['rules'] });
    expect(after).toEqual({ rules: [rule(['*.a.example'])] });
    expect(after).not.toEqual(before);
  });

  it('tells where a route puts a secret, and of its template that it is another', async () => {
    const { routes } = services;
    const route = (template: string) => ({
      secret: 'prod/k',
      hosts: ['a.example'],
      inject: [{ header: { name: 'x-k', template } }],
    });
    await routes.create(owner, { name: 'r', ...route('canary {secret}') });
    await routes.replace(owner, 'r', route('canary-too {secret}'));
    const { before, after } = await told('route:update');
    expect(before).toEqual({ inject: [{ header: { name: 'x-k', template: print } }] });
    expect(after).toEqual({ inject: [{ header: { name: 'x-k', template: print } }] });
    expect(after).not.toEqual(before);
    const all = await services.dataSource.query<{ row: string }[]>('SELECT e::text AS row FROM admin_event e');
    expect(JSON.stringify(all)).not.toContain('canary');
  });
});
