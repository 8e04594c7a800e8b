import type { SecretValue } from '@onecli/shared/secret-value';
import { ConfigFault } from '../../config.ts';
import { hashPassword, verifyPassword } from '../passwords/password.ts';
import { type UserStore, isOwner } from './user-store.ts';

/**
 * Makes the account that the configuration names able to sign in with the password that it gives, whatever was done to it.
 * @throws ConfigFault when there is no password and nobody could sign in
 */
export async function setUpAdmin(users: UserStore, name: string, password: SecretValue | undefined): Promise<void> {
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
    account.passwordHash !== null &&
    (await verifyPassword(password.reveal(), account.passwordHash));
  if (!isCurrent) await users.putOwner(name, await hashPassword(password.reveal()));
}
