import { SecretValue } from '@onecli/shared/secret-value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { openServices } from '../../database/testing/open-services.ts';
import { everywhere } from '../principal.ts';
import { setUpAdmin } from './set-up-admin.ts';
import { UserStore } from './user-store.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let users: UserStore;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
  users = new UserStore(services.dataSource, services.keys.rows);
});
afterAll(() => services?.close());

const roles = everywhere('owner');
const setUp = (password: string) =>
  setUpAdmin(users, services.change, { name: 'admin', password: SecretValue.of(password) });

/** What was recorded since the last call. */
async function events() {
  return services.dataSource.query<object[]>(
    'WITH gone AS (DELETE FROM admin_event RETURNING *) SELECT principal, action, object_name, detail FROM gone ORDER BY at',
  );
}
const event = (action: string, detail: object) => ({
  principal: 'system:onecli',
  action,
  object_name: 'admin',
  detail: { cause: 'ONECLI_ADMIN_PASSWORD', ...detail },
});

describe('the admin whom the configuration names', () => {
  it('is made with an event, and at the next start left alone without one', async () => {
    await setUp('correct horse battery');
    const made = { fields: ['password'], after: { roles, isDisabled: false, isHeld: false } };
    expect(await events()).toEqual([event('user:create', made)]);
    await setUp('correct horse battery');
    expect(await events()).toEqual([]);
  });

  it('gets another password with an event, which tells neither', async () => {
    await setUp('another horse battery');
    const told = await events();
    expect(told).toEqual([event('user:update', { fields: ['password'] })]);
    const { passwordHash } = (await users.find('admin')) ?? {};
    expect(passwordHash).toMatch(/\$/);
    expect(JSON.stringify(told)).not.toMatch(/horse|battery/);
    expect(JSON.stringify(told)).not.toContain(passwordHash);
  });

  it('is enabled and made an owner again with an event, which tells what he was', async () => {
    const user = await users.find('admin');
    if (user === undefined) throw new Error('There is no admin');
    const assignments = everywhere('auditor');
    await services.change.changeConfig({ kind: 'system', name: 'test', assignments: roles }, async (tx) => {
      await users.update(tx, user, { assignments, isDisabled: true });
      tx.audit('user:update', 'user', 'admin');
    });
    await services.dataSource.query('UPDATE user_account SET is_held = true');
    await events();
    await setUp('another horse battery');
    const fields = ['password', 'roles', 'isDisabled', 'isHeld'];
    const before = { roles: assignments, isDisabled: true, isHeld: true };
    const after = { roles, isDisabled: false, isHeld: false };
    expect(await events()).toEqual([event('user:update', { fields, before, after })]);
  });

  it('is deleted and made anew, with an event of each, where somebody else wrote his row', async () => {
    await services.dataSource.query("UPDATE user_account SET role = 'auditor', mac = NULL");
    await setUp('another horse battery');
    expect(await events()).toMatchObject([event('user:delete', { isAltered: true }), event('user:create', {})]);
  });
});
