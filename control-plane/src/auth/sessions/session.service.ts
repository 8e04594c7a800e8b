import { Fault } from '@onecli/shared/fault';
import { isUUID } from 'class-validator';
import type { DataSource } from 'typeorm';
import type { ChangeConfig } from '../../configuration/change-config.ts';
import { parseInput } from '../../configuration/parse-input.ts';
import type { Removed } from '../../configuration/written.ts';
import { authorize } from '../authorize.ts';
import { requireCover } from '../covers.ts';
import { insertDone } from '../events/admin-event-store.ts';
import { LoginRefusal, type PasswordLogin } from '../passwords/password-login.ts';
import type { CallOrigin, Principal } from '../principal.ts';
import { loginInput } from '../users/user-input.ts';
import { principalOfUser, type UserStore } from '../users/user-store.ts';
import type { LoginLimiter } from './login-limiter.ts';
import type { SessionStore, SessionView } from './session-store.ts';

/** Where a login comes from. */
export interface LoginOrigin extends CallOrigin {
  readonly client: string;
  /** The session that the client has from before, which ends. */
  readonly earlier: string | undefined;
}

export interface Login {
  /** For the cookie, or the client that asked for it. It is told this once. */
  readonly token: string;
  readonly session: SessionView;
  /** The client wants it in the answer. */
  readonly inBody: boolean;
}

export interface SessionServiceOptions {
  readonly database: DataSource;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly logins: PasswordLogin;
  readonly limiter: LoginLimiter;
  readonly change: ChangeConfig;
}

const maxClientLength = 200;

/** Sessions: what a user gets for his password, and what ends it. */
export class SessionService {
  readonly #options: SessionServiceOptions;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /**
   * Signs a user in, always with a new token: one that the client came with is worth nothing afterwards.
   * @throws Fault INVALID, LoginRefusal, TooManyLogins
   */
  async login(input: unknown, origin: LoginOrigin): Promise<Login> {
    const { database, logins, limiter, sessions } = this.#options;
    const { user: name, password, token: inBody } = parseInput(loginInput, input);
    const user = await logins.check(name, password, origin.address);
    await limiter.remember(origin.address, user.name);
    const { address, requestId, client, earlier } = origin;
    const principal: Principal = { ...principalOfUser(user), origin: { address, requestId } };
    return database.transaction(async (manager) => {
      if (earlier !== undefined) await sessions.endByToken(manager, earlier);
      const opened = await sessions.open(manager, user, { address, client: printable(client) });
      if (opened === undefined) throw new LoginRefusal(user.name);
      await insertDone(manager, principal, undefined, [
        {
          action: 'login',
          objectKind: 'session',
          objectName: opened.session.id,
        },
      ]);
      return { ...opened, inBody };
    });
  }

  /** Ends the session of a token; one that is over, or none, is fine. */
  async logout(token: string | undefined, origin: CallOrigin): Promise<void> {
    const { database, sessions } = this.#options;
    const found = token === undefined ? undefined : await sessions.find(token);
    if (found === undefined) return;
    await database.transaction(async (manager) => {
      await sessions.end(manager, found.id);
      await insertDone(manager, { ...principalOfUser(found.user), origin }, undefined, [
        {
          action: 'logout',
          objectKind: 'session',
          objectName: found.id,
        },
      ]);
    });
  }

  /** The living sessions of the caller, or of the user of that name. @throws Fault FORBIDDEN, NOT_FOUND */
  async list(principal: Principal, name?: string): Promise<SessionView[]> {
    if (name === undefined || name === ownName(principal)) {
      authorize(principal, 'own:session');
      return principal.userId === undefined ? [] : this.#options.sessions.list(principal.userId);
    }
    authorize(principal, 'session:read');
    const user = await this.#options.users.find(name);
    if (user === undefined) throw new Fault('NOT_FOUND', 'There is no user of that name');
    return this.#options.sessions.list(user.id);
  }

  /** Ends a session; one that is over is fine. @throws Fault FORBIDDEN for that of somebody who may do more than the caller */
  async revoke(principal: Principal, id: string): Promise<Removed> {
    authorize(principal, 'own:session');
    const { result, revision } = await this.#options.change.changeConfig(principal, async (tx) => {
      const user = isUUID(id) ? await this.#options.sessions.ownerOf(tx.manager, id) : undefined;
      if (user?.id !== principal.userId || user === undefined) authorize(principal, 'session:revoke');
      if (user === undefined) return 'UNCHANGED';
      if (user.id !== principal.userId) requireCover(principal, 'session:revoke', user.assignments);
      await this.#options.sessions.end(tx.manager, id);
      tx.audit('session:revoke', 'session', id, { user: user.name });
      return 'DELETED';
    });
    return { change: result, revision };
  }
}

function ownName(principal: Principal): string | undefined {
  return principal.kind === 'user' ? principal.name : principal.limits?.owner?.name;
}

/** What a client says of itself is shown to people, and may be anything. */
function printable(client: string): string {
  return client.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, maxClientLength);
}
