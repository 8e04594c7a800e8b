import { timingSafeEqual } from 'node:crypto';
import { Fault } from '@onecli/shared/fault';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { type Role, roles } from './actions.ts';
import { CredentialCache } from './credential-cache.ts';
import type { LoginLimiter } from './login-limiter.ts';
import { parseAuthorization } from './parse-authorization.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { type Principal, everywhere } from './principal.ts';
import type { UserAccount, UserStore } from './user-store.ts';

const cacheLifetimeMs = 60_000;

/** Local access: the hash of the token that lies in a file which only this machine's owner can read. */
export interface LocalAccess {
  readonly tokenHash: Buffer;
}

export interface AuthenticatorOptions {
  readonly users: UserStore;
  readonly limiter: LoginLimiter;
  readonly localAccess: LocalAccess | undefined;
  /** Key for the hashes of tokens, 32 bytes. */
  readonly tokenPepper: Buffer;
}

/** Tells who calls the API. Unknown user, wrong password, unknown token: one answer, in the same time. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #cache = new CredentialCache<Principal>(cacheLifetimeMs);
  readonly #hashOfNobody: string;

  private constructor(options: AuthenticatorOptions, hashOfNobody: string) {
    this.#options = options;
    this.#hashOfNobody = hashOfNobody;
  }

  static async create(options: AuthenticatorOptions): Promise<Authenticator> {
    return new Authenticator(options, await hashPassword(crypto.randomUUID()));
  }

  /**
   * The principal that an Authorization header stands for. `address` is the peer's, for the limit of failed logins.
   * @throws Fault UNAUTHENTICATED, TOO_MANY_LOGINS
   */
  async authenticate(header: string | undefined, address: string): Promise<Principal> {
    const credentials = parseAuthorization(header);
    switch (credentials.kind) {
      case 'none':
        throw new Fault('UNAUTHENTICATED', 'This call needs a login');
      case 'malformed':
        throw refusal();
      case 'bearer':
        return this.#byToken(credentials.token, address);
      case 'basic': {
        const { user, password } = credentials;
        return this.#cache.get(`${user.length}:${user}:${password}`, () => this.#byPassword(user, password, address));
      }
    }
  }

  /** Forgets every login that was found good: after a change of password. */
  forget(): void {
    this.#cache.clear();
  }

  async #byPassword(user: string, password: string, address: string): Promise<Principal> {
    const { users, limiter } = this.#options;
    await limiter.count(address, user);
    let account: UserAccount | undefined;
    try {
      // NUL is no character of a name, and Postgres would refuse the query.
      account = user.includes('\0') ? undefined : await users.find(user);
    } catch (error) {
      await limiter.uncount(address, user);
      throw error;
    }
    const isRight = await verifyPassword(password, account?.passwordHash ?? this.#hashOfNobody);
    if (!isRight || account === undefined || account.isDisabled || !isRole(account.role)) throw refusal();
    await limiter.uncount(address, user);
    return { kind: 'user', name: account.name, assignments: everywhere(account.role) };
  }

  async #byToken(token: string, address: string): Promise<Principal> {
    const { localAccess, tokenPepper, limiter } = this.#options;
    const hash = tokenHash(tokenPepper, token);
    if (localAccess !== undefined && timingSafeEqual(hash, localAccess.tokenHash)) {
      return { kind: 'local', name: 'local', assignments: everywhere('owner') };
    }
    await limiter.count(address, '');
    throw refusal();
  }
}

function isRole(role: string): role is Role {
  return (roles as readonly string[]).includes(role);
}

function refusal(): Fault {
  return new Fault('UNAUTHENTICATED', 'The login is not right');
}
