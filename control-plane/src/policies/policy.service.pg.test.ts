import type { PolicyBody } from '@onecli/shared/domain/policy';
import { policyContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

type Services = Awaited<ReturnType<typeof openServices>>;
let services: Services;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  await services.agents.create(owner, { name: 'my-agent' });
  await services.secrets.create(owner, { name: 'prod/openai', value: 'sk-real' });
});
afterAll(() => services.close());

const rule = { allow: { hosts: ['api.openai.com'], paths: ['/v1/**'], secrets: ['prod/openai'] } };

/** The body as a worker reads it. */
async function bodyOf(name: string): Promise<PolicyBody> {
  const { policies } = await services.source.changesSince(undefined);
  const sealed = policies.find((policy) => policy.name === name);
  if (sealed === undefined) throw new Error(`no ${name} in the snapshot`);
  return JSON.parse(
    open(services.keys.keyring, policyContext(sealed.id, sealed.version), sealed.sealedBody).toString(),
  );
}

const rows = () =>
  services.dataSource.query('SELECT revision, (SELECT json_agg(policy.*) FROM policy) FROM config_state');

describe('PolicyService', () => {
  it('seals the body so that a worker opens it, and shows it as it was written', async () => {
    const written = await services.policies.create(owner, { name: 'written', agents: ['my-agent'], rules: [rule] });
    expect(written).toMatchObject({
      change: 'CREATED',
      object: { name: 'written', agents: ['my-agent'], rules: [rule] },
    });
    expect(await bodyOf('written')).toEqual({
      agents: [{ kind: 'name', name: 'my-agent' }],
      rules: [{ effect: 'allow', hosts: ['api.openai.com'], paths: ['/v1/**'], methods: [], secrets: ['prod/openai'] }],
    });
    const [stored] = await services.dataSource.query<{ t: string }[]>(
      "SELECT encode(sealed_body, 'escape') AS t FROM policy",
    );
    expect(stored?.t).not.toContain('openai');
  });

  it('replaces all of it, and keeps the revision when it is the same', async () => {
    await services.policies.create(owner, { name: 'replaced', agents: ['my-agent'], rules: [rule] });
    const deny = { deny: { hosts: ['api.openai.com'] } };
    const replaced = await services.policies.replace(owner, 'replaced', {
      agents: [{ labels: { a: 'b' } }],
      rules: [deny],
    });
    expect(replaced).toMatchObject({
      change: 'UPDATED',
      object: { version: 2, agents: [{ labels: { a: 'b' } }], rules: [deny] },
    });
    const again = await services.policies.replace(owner, 'replaced', {
      name: 'replaced',
      agents: [{ labels: { a: 'b' } }],
      rules: [deny],
    });
    expect(again).toMatchObject({ change: 'UNCHANGED', revision: replaced.revision });
    expect((await bodyOf('replaced')).rules).toMatchObject([{ effect: 'deny' }]);
  });

  it.each([
    ['an agent that does not exist', { agents: ['my-agent', 'nobody'], rules: [] }, 'agents[1]'],
    [
      'a secret that does not exist',
      { agents: [], rules: [{ allow: { hosts: ['a.example'], secrets: ['prod/openai', 'prod/openia'] } }] },
      'rules[0].allow.secrets[1]',
    ],
    ['another policy’s name', { name: 'other', agents: [], rules: [] }, 'name'],
  ])('refuses %s, names the field and writes nothing', async (_what, content, field) => {
    const name = `checked-${field.replaceAll(/\W/g, '')}`;
    await services.policies.create(owner, { name, agents: [], rules: [] });
    const before = await rows();
    await expect(services.policies.replace(owner, name, content)).rejects.toMatchObject({ code: 'INVALID', field });
    if (field !== 'name') {
      const created = services.policies.create(owner, { name: 'new', ...content });
      await expect(created).rejects.toMatchObject({ code: 'INVALID', field });
    }
    expect(await rows()).toEqual(before);
  });

  it('keeps the name of a secret that is removed', async () => {
    await services.secrets.create(owner, { name: 'prod/temporary', value: 'x' });
    const allow = { hosts: ['a.example'], secrets: ['prod/temporary'] };
    await services.policies.create(owner, { name: 'keeps', agents: [], rules: [{ allow }] });
    await services.secrets.remove(owner, 'prod/temporary');
    expect((await services.policies.get(owner, 'keeps')).rules).toEqual([{ allow }]);
  });

  it('does not show a body that was moved here from another policy', async () => {
    await services.policies.create(owner, { name: 'narrow', agents: [], rules: [] });
    await services.policies.create(owner, { name: 'wide', agents: ['my-agent'], rules: [rule] });
    await services.dataSource.query(
      "UPDATE policy SET sealed_body = (SELECT sealed_body FROM policy WHERE name = 'wide') WHERE name = 'narrow'",
    );
    await expect(services.policies.get(owner, 'narrow')).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(bodyOf('narrow')).rejects.toMatchObject({ code: 'CANNOT_OPEN' });
    await services.policies.remove(owner, 'narrow');
  });

  it('refuses a taken name, and a name that is not there', async () => {
    await services.policies.create(owner, { name: 'taken', agents: [], rules: [] });
    const taken = services.policies.create(owner, { name: 'taken', agents: [], rules: [] });
    await expect(taken).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    const absent = services.policies.replace(owner, 'absent', { agents: [], rules: [] });
    await expect(absent).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const before = await services.source.revision();
    expect(await services.policies.remove(owner, 'absent')).toEqual({ change: 'UNCHANGED', revision: before });
  });
});
