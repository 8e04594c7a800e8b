import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import type { ChangeConfig, ConfigTransaction } from '../../configuration/change-config.ts';
import { parseInput } from '../../configuration/parse-input.ts';
import type { Written } from '../../configuration/written.ts';
import { authorize } from '../authorize.ts';
import { hashPassword } from '../passwords/password.ts';
import { LoginRefusal, type PasswordLogin } from '../passwords/password-login.ts';
import { requireGoodPassword } from '../passwords/password-rule.ts';
import type { CallOrigin, Principal } from '../principal.ts';
import type { LoginLimiter } from '../sessions/login-limiter.ts';
import { newPasswordInput, passwordChangeInput } from './user-input.ts';
import type { UserLinks } from './user-links.ts';
import { viewUser, type UserView } from './user.service.ts';
import { principalByPassword, type UserRow, type UserStore } from './user-store.ts';

export interface PasswordServiceOptions {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly users: UserStore;
  readonly links: UserLinks;
  readonly logins: PasswordLogin;
  readonly limiter: LoginLimiter;
}

/** Users set their passwords: with a link that somebody gave them, or with the one that they have. */
export class PasswordService {
  readonly #options: PasswordServiceOptions;

  constructor(options: PasswordServiceOptions) {
    this.#options = options;
  }

  /**
   * Sets the password of the user that a link is for. The link is used up by it, and by nothing less.
   * @throws Fault INVALID for a password that is not good enough, UNAUTHENTICATED for a link that is none (any more), TooManyLogins
   */
  async setByLink(input: unknown, origin: CallOrigin): Promise<{ readonly user: string }> {
    const { database, change, links, limiter } = this.#options;
    const { token, password } = parseInput(newPasswordInput, input);
    await limiter.count(origin.address, '');
    const found = await database.transaction((manager) => links.find(manager, token));
    if (found === undefined) throw unusable();
    await limiter.uncount(origin.address, '');
    await requireGoodPassword(password, found.name);
    const hash = await hashPassword(password);
    await change.changeConfig({ ...principalByPassword(found), origin }, async (tx) => {
      // Two who hold the same link: the second finds it gone.
      if ((await links.find(tx.manager, token)) === undefined) throw unusable();
      await this.#set(tx, found, hash);
    });
    return { user: found.name };
  }

  /**
   * Changes the caller's own password. All his sessions end, the one that he calls with among them.
   * @throws Fault INVALID, FORBIDDEN for whoever is no user, LoginRefusal for a current password that is wrong,
   * UNAUTHENTICATED for one that is another when the new one has been looked at, TooManyLogins
   */
  async change(principal: Principal, input: unknown): Promise<Written<UserView>> {
    authorize(principal, 'own:password');
    if (principal.kind !== 'user') throw new Fault('FORBIDDEN', 'Only a user who signed in has a password to change');
    const { currentPassword, password } = parseInput(passwordChangeInput, input);
    const { users, change, logins } = this.#options;
    const user = await logins
      .check(principal.name, currentPassword, principal.origin?.address ?? '')
      .catch(saidOfField);
    await requireGoodPassword(password, user.name);
    const hash = await hashPassword(password);
    // Under the lock the caller is looked up again: a reset while the new one was looked at holds, and its link too.
    const { result, revision } = await change.changeConfig(principal, async (tx) => {
      await this.#set(tx, user, hash);
      const changed = await users.findById(user.id, tx.manager);
      return viewUser(changed ?? user);
    });
    return { object: result, change: 'UPDATED', revision };
  }

  async #set(tx: ConfigTransaction, { id, name }: UserRow, hash: string): Promise<void> {
    await this.#options.users.setPassword(tx, id, hash);
    tx.audit('own:password', 'user', name, { fields: ['password'] });
  }
}

/** A login that is not right is one field of a change of the password. */
function saidOfField(error: unknown): never {
  throw error instanceof LoginRefusal ? new LoginRefusal(error.user, 'currentPassword') : error;
}

function unusable(): Fault {
  return new Fault('UNAUTHENTICATED', 'This link was used, is over, or never was: ask for another');
}
