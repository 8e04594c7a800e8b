import type { SecretValue } from '@onecli/shared/secret-value';
import type { Logger } from 'pino';
import { ConfigFault } from '../../config.ts';
import type { ChangeConfig } from '../../configuration/change-config.ts';
import { beforeAndAfter, changedFields } from '../events/recorded-change.ts';
import { problemOf } from '../passwords/password-rule.ts';
import { hashPassword, verifyPassword } from '../passwords/password.ts';
import { everywhere, systemPrincipal } from '../principal.ts';
import { type UserRow, type UserStore, isOwner } from './user-store.ts';

/** Why it was done, as the event says. */
const cause = 'ONECLI_ADMIN_PASSWORD';

/**
 * Makes the account that the configuration names able to sign in with the password that it gives, whatever was done to it.
 * @throws ConfigFault when there is no password and nobody could sign in
 */
export async function setUpAdmin(
  users: UserStore,
  change: ChangeConfig,
  { name, password }: { readonly name: string; readonly password: SecretValue | undefined },
): Promise<void> {
  if (password === undefined) {
    if (!(await users.isEmpty())) return;
    throw new ConfigFault([
      'ONECLI_ADMIN_PASSWORD: is not set and there is no user yet: expected a password, or ONECLI_ADMIN_PASSWORD_FILE',
    ]);
  }
  const account = await users.find(name);
  const isCurrent =
    account !== undefined &&
    isOwner(account) &&
    !account.isDisabled &&
    !account.isHeld &&
    account.passwordHash !== null &&
    (await verifyPassword(password.reveal(), account.passwordHash));
  if (!isCurrent) await putOwner(users, change, name, await hashPassword(password.reveal()));
}

/**
 * Says in the log that the configured password is none that a user could set. It is taken all the same: a way back in that a restart
 * may close is none.
 */
export async function warnOfPassword(
  { name, password }: { readonly name: string; readonly password: SecretValue | undefined },
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const problem = password === undefined ? undefined : await problemOf(password.reveal(), name);
  if (problem === undefined) return;
  log.warn(
    { user: name, problem },
    'ONECLI_ADMIN_PASSWORD, the password of an owner, would be refused of a user: change it',
  );
}

/** Makes the account an enabled owner with that password hash; its sessions end. */
async function putOwner(users: UserStore, change: ChangeConfig, name: string, passwordHash: string): Promise<void> {
  await change.changeConfig(systemPrincipal, async (tx) => {
    const found = await users.find(name, tx.manager);
    // Nothing of it is to be believed, its id neither.
    if (found?.isAltered === true) {
      await users.remove(tx, found.id);
      tx.audit('user:delete', 'user', name, { cause, isAltered: true });
    }
    const before = found?.isAltered === false ? found : undefined;
    const user = before ?? (await users.insert(tx, name, everywhere('owner')));
    await users.update(tx, user, { assignments: everywhere('owner'), isDisabled: false });
    await users.setPassword(tx, user.id, passwordHash);
    await tx.manager.query('UPDATE user_account SET is_held = false WHERE id = $1', [user.id]);
    const action = before === undefined ? 'user:create' : 'user:update';
    tx.audit(action, 'user', name, { cause, ...changeOf(before) });
  });
}

/** What becomes of an account: which fields change, and how those were and are that may be shown. The password is put anew each time. */
function changeOf(before: UserRow | undefined) {
  const after = { roles: everywhere('owner'), isDisabled: false, isHeld: false };
  if (before === undefined) return { fields: ['password'], after };
  const was = { roles: before.assignments, isDisabled: before.isDisabled, isHeld: before.isHeld };
  return { fields: ['password', ...changedFields(was, after)], ...beforeAndAfter(was, after) };
}
