import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
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
    expect(object).toMatchObject({ name: 'my-agent', isDisabled: false, tokens: [{ prefix: token.slice(0, 8) }] });
    expect(await recordOf('my-agent')).toEqual({
      id: object.id,
      name: 'my-agent',
      labels: { team: 'finance' },
      isDisabled: false,
      tokens: [{ hash: hashOf(token), expiresAtMs: undefined }],
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
