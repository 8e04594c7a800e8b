import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import type { Standing } from '../configuration/change-config.ts';
import type { ApiKeyStore } from './keys/api-key-store.ts';
import type { Principal } from './principal.ts';
import type { SessionStore } from './sessions/session-store.ts';
import { passwordMarkOf, principalByPassword, principalOfUser, type UserStore } from './users/user-store.ts';

interface StandingOptions {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly keys: ApiKeyStore;
}

/** As the database knows principals. */
export class StoredStanding implements Standing {
  readonly #options: StandingOptions;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  async require(manager: EntityManager, principal: Principal): Promise<void> {
    const now = await this.now(manager, principal);
    if (now === undefined) throw new Fault('UNAUTHENTICATED', 'This login ended while the call was under way');
    if (!hasSameRights(principal, now))
      throw new Fault('FORBIDDEN', 'What you may do was changed while this call was under way: send it again');
  }

  /** A principal as he is now; undefined when he may not come in any more. */
  async now(manager: EntityManager, principal: Principal): Promise<Principal | undefined> {
    switch (principal.kind) {
      case 'local':
      case 'system':
        return principal;
      case 'key':
        return principal.keyId === undefined ? undefined : this.#options.keys.findById(principal.keyId, manager);
      case 'user':
        return this.#user(manager, principal);
    }
  }

  async #user(manager: EntityManager, { userId, sessionId, passwordMark }: Principal): Promise<Principal | undefined> {
    const { users, sessions } = this.#options;
    const user = userId === undefined ? undefined : await users.findById(userId, manager);
    if (user === undefined || user.isDisabled || user.isHeld) return undefined;
    if (sessionId === undefined) return passwordMark === passwordMarkOf(user) ? principalByPassword(user) : undefined;
    return (await sessions.isLive(manager, sessionId, user.id)) ? { ...principalOfUser(user), sessionId } : undefined;
  }
}

/** Whether two looks at one principal found him with the same roles and limits. */
export function hasSameRights(before: Principal, now: Principal): boolean {
  return isDeepStrictEqual([before.assignments, before.limits], [now.assignments, now.limits]);
}
