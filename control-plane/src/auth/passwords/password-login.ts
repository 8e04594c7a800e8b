import { Fault } from '@onecli/shared/fault';
import type { LoginLimiter } from '../sessions/login-limiter.ts';
import { TooManyLogins } from '../sessions/login-limiter.ts';
import type { UserRow, UserStore } from '../users/user-store.ts';
import { CredentialCache } from './credential-cache.ts';
import { hashOfNobody, verifyPassword } from './password.ts';

const cacheLifetimeMs = 60_000;
/** Each costs 32 MB and a thread of a pool of four while it runs: more than so many at once wait too long to be meant. */
const maxAtOnce = 32;

/** A login that is not right. It says the same whatever is wrong with it; who was named is known to the record alone. */
export class LoginRefusal extends Fault {
  /** The user that was named, where there is one. */
  readonly user: string | undefined;

  /** `field` is that of the input which has the password, where there are others. */
  constructor(user?: string, field?: string) {
    super('UNAUTHENTICATED', `${field ?? 'The login'} is not right`, field === undefined ? {} : { field });
    this.user = user;
  }
}

/** Whether somebody tried to sign in, and could not. */
export function isOfLogin(fault: Fault): boolean {
  return fault instanceof LoginRefusal || fault.code === 'TOO_MANY_LOGINS';
}

/** Tells whether a name and a password are a user's. Unknown user, wrong password, disabled user: one answer, for the same work. */
export class PasswordLogin {
  readonly #users: UserStore;
  readonly #limiter: LoginLimiter;
  readonly #cache = new CredentialCache<true>(cacheLifetimeMs);
  readonly #hashOfNobody = hashOfNobody();
  readonly #verify: typeof verifyPassword;
  #running = 0;

  /** `verify` is given by tests that count its work. */
  constructor(users: UserStore, limiter: LoginLimiter, verify = verifyPassword) {
    this.#users = users;
    this.#limiter = limiter;
    this.#verify = verify;
  }

  /**
   * The account that a name and a password are right for. One that was right within the last minute is not computed again, as
   * long as the account has the same password.
   * @throws LoginRefusal, TooManyLogins
   */
  async check(name: string, password: string, address: string): Promise<UserRow> {
    const user = await this.#users.find(name);
    const credential = `${name.length}:${name}:${user?.passwordHash ?? ''}:${password}`;
    await this.#cache.get(credential, () => this.#compute(user, name, password, address));
    if (user === undefined || user.isDisabled || user.isHeld) throw new LoginRefusal(user?.name);
    return user;
  }

  async #compute(user: UserRow | undefined, name: string, password: string, address: string): Promise<true> {
    await this.#limiter.count(address, name);
    const isRight = await this.#isRight(password, user?.passwordHash ?? this.#hashOfNobody);
    if (!isRight || user === undefined || user.passwordHash === null || user.isDisabled || user.isHeld)
      throw new LoginRefusal(user?.name);
    await this.#limiter.uncount(address, name);
    return true;
  }

  async #isRight(password: string, hash: string): Promise<boolean> {
    if (this.#running >= maxAtOnce) throw new TooManyLogins(5);
    this.#running++;
    try {
      return await this.#verify(password, hash);
    } finally {
      this.#running--;
    }
  }
}
