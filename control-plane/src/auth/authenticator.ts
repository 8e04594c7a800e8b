import { timingSafeEqual } from 'node:crypto';
import { Fault } from '@onecli/shared/fault';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { DataSource } from 'typeorm';
import type { ApiKeyStore } from './keys/api-key-store.ts';
import { isKeyText, keyPrefix } from './keys/key-text.ts';
import { parseAuthorization } from './parse-authorization.ts';
import { LoginRefusal, type PasswordLogin } from './passwords/password-login.ts';
import { type Principal, everywhere } from './principal.ts';
import type { LoginLimiter } from './sessions/login-limiter.ts';
import { sessionPrefix, type SessionStore } from './sessions/session-store.ts';
import type { StoredStanding } from './standing.ts';
import { principalByPassword, principalOfUser } from './users/user-store.ts';

/** Local access: the hash of the token that lies in a file which only this machine's owner can read. */
export interface LocalAccess {
  readonly tokenHash: Buffer;
}

export interface AuthenticatorOptions {
  readonly logins: PasswordLogin;
  readonly sessions: SessionStore;
  readonly keys: ApiKeyStore;
  readonly limiter: LoginLimiter;
  readonly standing: StoredStanding;
  readonly database: DataSource;
  readonly localAccess: LocalAccess | undefined;
  /** Key for the hashes of tokens, 32 bytes. */
  readonly tokenPepper: Buffer;
}

/** Tells who calls the API. Unknown user, wrong password, unknown token: one answer, for the same work. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * The principal that an Authorization header stands for, or, without one, a session's cookie. `address` is the peer's, for the
   * limit of failed logins.
   * @throws Fault UNAUTHENTICATED, TOO_MANY_LOGINS
   */
  async authenticate(header: string | undefined, address: string, cookie?: string): Promise<Principal> {
    const credentials = parseAuthorization(header);
    switch (credentials.kind) {
      case 'none':
        if (cookie !== undefined) return this.#bySession(cookie);
        throw new Fault('UNAUTHENTICATED', 'This call needs a login');
      case 'malformed':
        throw new LoginRefusal();
      case 'bearer':
        return this.#byToken(credentials.token, address);
      case 'basic': {
        const { user, password } = credentials;
        return principalByPassword(await this.#options.logins.check(user, password, address));
      }
    }
  }

  /**
   * Who was let in with this header or cookie, as he is now. It guesses at nothing: no password is looked at, and what others
   * guessed meanwhile from his address does not count against him.
   * @throws Fault UNAUTHENTICATED
   */
  async authenticateAgain(before: Principal, header: string | undefined, cookie?: string): Promise<Principal> {
    if (before.sessionId !== undefined) {
      const credentials = parseAuthorization(header);
      return this.#bySession(credentials.kind === 'bearer' ? credentials.token : (cookie ?? ''));
    }
    const { standing, database } = this.#options;
    const now = await standing.now(database.manager, before);
    if (now === undefined) throw new Fault('UNAUTHENTICATED', 'This login is over: sign in again');
    return now;
  }

  async #bySession(token: string): Promise<Principal> {
    const found = token.startsWith(sessionPrefix) ? await this.#options.sessions.find(token) : undefined;
    if (found === undefined) throw new Fault('UNAUTHENTICATED', 'The session is over: sign in again');
    return { ...principalOfUser(found.user), sessionId: found.id };
  }

  async #byToken(token: string, address: string): Promise<Principal> {
    const { keys, sessions, limiter } = this.#options;
    if (this.#isLocal(token)) return { kind: 'local', name: 'local', assignments: everywhere('owner') };
    if (token.startsWith(keyPrefix)) {
      // A typo needs no look-up, and cannot be a guess that is right.
      if (!isKeyText(token)) throw new LoginRefusal();
      const principal = await keys.find(token);
      if (principal !== undefined) return principal;
    } else if (token.startsWith(sessionPrefix)) {
      const found = await sessions.find(token);
      if (found !== undefined) return { ...principalOfUser(found.user), sessionId: found.id };
    }
    await limiter.count(address, '');
    throw new LoginRefusal();
  }

  #isLocal(token: string): boolean {
    const { localAccess, tokenPepper } = this.#options;
    return localAccess !== undefined && timingSafeEqual(tokenHash(tokenPepper, token), localAccess.tokenHash);
  }
}
