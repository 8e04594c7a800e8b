import type { LeaderJob } from '../leadership/leader-jobs.ts';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Services } from '../api/services.ts';
import type { Config } from '../config.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { Authenticator, type LocalAccess } from './authenticator.ts';
import { AdminEventService } from './events/admin-event.service.ts';
import { AdminEventStore } from './events/admin-event-store.ts';
import { RefusalRecord } from './events/refusal-record.ts';
import { ApiKeyService } from './keys/api-key.service.ts';
import { ApiKeyStore } from './keys/api-key-store.ts';
import { writeLocalAccess } from './local-access.ts';
import { PasswordLogin } from './passwords/password-login.ts';
import { LoginLimiter } from './sessions/login-limiter.ts';
import { StoredStanding } from './standing.ts';
import { SessionService } from './sessions/session.service.ts';
import { SessionStore } from './sessions/session-store.ts';
import { PasswordService } from './users/password.service.ts';
import { UserLinks } from './users/user-links.ts';
import { UserService } from './users/user.service.ts';
import { UserStore } from './users/user-store.ts';

export interface AccessOptions {
  readonly config: Config;
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  readonly stores: AccessStores;
  readonly change: ChangeConfig;
  readonly log: Logger;
}

/** What is kept of who may come in, and who still may. */
export interface AccessStores {
  readonly standing: StoredStanding;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly keys: ApiKeyStore;
}

const sweepEveryMs = 600_000;

/** Who may come in, wired. */
export interface Access {
  readonly authenticator: Authenticator;
  readonly refusals: RefusalRecord;
  /** Asks for a password once more. */
  readonly logins: PasswordLogin;
  /** Forgets what is over, such as sessions, links and old events. */
  readonly sweep: LeaderJob;
  readonly services: Pick<Services, 'users' | 'passwords' | 'sessions' | 'apiKeys' | 'adminEvents'>;
}

/** Wires the stores of who may come in. */
export function accessStores(
  config: Config,
  { database, keys: { tokenPepper, rows } }: Pick<AccessOptions, 'database' | 'keys'>,
): AccessStores {
  const users = new UserStore(database, rows);
  const sessions = new SessionStore(database, tokenPepper, config.sessionLifetime, rows);
  const keys = new ApiKeyStore(database, tokenPepper, rows);
  return { users, sessions, keys, standing: new StoredStanding({ users, sessions, keys }) };
}

/** Wires users, sessions, API keys and their record. */
export async function buildAccess({ config, database, keys, stores, change, log }: AccessOptions): Promise<Access> {
  const { tokenPepper, rows } = keys;
  const { users, sessions, keys: apiKeys, standing } = stores;
  const limiter = new LoginLimiter(database);
  const logins = new PasswordLogin(users, limiter);
  const events = new AdminEventStore(database);
  const links = new UserLinks(tokenPepper, rows);
  const localAccess = await openLocalAccess(config, tokenPepper);
  return {
    authenticator: new Authenticator({
      logins,
      sessions,
      keys: apiKeys,
      limiter,
      standing,
      database,
      localAccess,
      tokenPepper,
    }),
    refusals: new RefusalRecord(database, log),
    logins,
    sweep: {
      name: 'sweep',
      everyMs: sweepEveryMs,
      look: async () => {
        await sessions.sweep();
        await limiter.sweep();
        await events.sweep(config.adminEventDays);
      },
    },
    services: {
      users: new UserService(users, links, change),
      passwords: new PasswordService({ database, change, users, links, logins, limiter }),
      sessions: new SessionService({ database, users, sessions, logins, limiter, change }),
      apiKeys: new ApiKeyService(apiKeys, change),
      adminEvents: new AdminEventService(events),
    },
  };
}

async function openLocalAccess(config: Config, tokenPepper: Buffer): Promise<LocalAccess | undefined> {
  const { localAccessFile: path, proxyUrl, apiPort, bind } = config;
  if (path === undefined) return undefined;
  return writeLocalAccess({ path, apiUrl: localUrl(bind, apiPort), proxyUrl, tokenPepper });
}

/** Where this machine reaches the API that listens on an address. */
function localUrl(bind: string, port: number): string {
  const host = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '::1' : bind;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
