import { randomBytes, randomUUID } from 'node:crypto';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import { guardedSession, type SessionFacts } from '../../keys/guarded-rows.ts';
import type { RowGuard } from '../../keys/row-guard.ts';
import { type StoredUser, type UserRow, userColumns, userOf } from '../users/user-store.ts';

/** How every session's token begins. */
export const sessionPrefix = 'ocs_';
const tokenBytes = 32;
/** Of one user at once; the oldest ends. */
const maxSessions = 50;
/** A session's use is written down when the last note of it is older than this. */
const noteAfterSeconds = 60;

/** How long sessions live. */
export interface SessionLifetime {
  /** Without a call. */
  readonly idleSeconds: number;
  /** From login on. */
  readonly totalSeconds: number;
}

/** A session as it is shown; its token is kept nowhere. */
export interface SessionView {
  readonly id: string;
  readonly user: string;
  readonly address: string;
  /** What the client said of itself: its User-Agent. */
  readonly client: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
  readonly expiresAt: Date;
}

/** A session, and who signed in with it. */
interface OpenSession {
  readonly id: string;
  readonly user: UserRow;
}

interface StoredSession {
  readonly session: string;
  readonly sessionExpiresAt: Date;
  readonly sessionMac: Buffer | null;
  readonly isNoted: boolean;
}

/** Sessions; only a keyed hash of their tokens is kept. */
export class SessionStore {
  readonly #database: DataSource;
  readonly #pepper: Buffer;
  readonly #lifetime: SessionLifetime;
  readonly #guard: RowGuard;

  constructor(database: DataSource, pepper: Buffer, lifetime: SessionLifetime, guard: RowGuard) {
    this.#database = database;
    this.#pepper = pepper;
    this.#lifetime = lifetime;
    this.#guard = guard;
  }

  /** The session of a token, if it lives and its user may come in. Its use is written down, sparingly. */
  async find(token: string): Promise<OpenSession | undefined> {
    const hash = tokenHash(this.#pepper, token);
    const [row] = await this.#database.query<(StoredUser & StoredSession)[]>(
      `SELECT s.id AS session, s.expires_at AS "sessionExpiresAt", s.mac AS "sessionMac",
         s.seen_at > now() - make_interval(secs => $3) AS "isNoted", ${userColumns}
       FROM user_session s JOIN user_account u ON u.id = s.user_id
       WHERE s.hash = $1 AND s.expires_at > now() AND s.seen_at > now() - make_interval(secs => $2)
         AND NOT u.is_disabled AND NOT u.is_held`,
      [hash, this.#lifetime.idleSeconds, noteAfterSeconds],
    );
    if (row === undefined) return undefined;
    const { session: id, sessionExpiresAt: expiresAt, sessionMac, isNoted, ...stored } = row;
    if (!this.#guard.believes(guardedSession({ id, userId: stored.id, hash, expiresAt }), sessionMac)) return undefined;
    const user = userOf(this.#guard, stored);
    if (user.isDisabled) return undefined;
    if (!isNoted) await this.#database.query('UPDATE user_session SET seen_at = now() WHERE id = $1', [id]);
    return { id, user };
  }

  /**
   * Opens a session for a user who is as he was when his password was looked at, and gives its token; undefined when he was
   * disabled, or got another password, meanwhile.
   */
  async open(
    manager: EntityManager,
    user: UserRow,
    { address, client }: { readonly address: string; readonly client: string },
  ): Promise<{ readonly token: string; readonly session: SessionView } | undefined> {
    const [still] = await manager.query<unknown[]>(
      'SELECT 1 FROM user_account WHERE id = $1 AND password_hash = $2 AND NOT is_disabled AND NOT is_held FOR UPDATE',
      [user.id, user.passwordHash],
    );
    if (still === undefined) return undefined;
    const token = sessionPrefix + randomBytes(tokenBytes).toString('base64url');
    const [id, hash] = [randomUUID(), tokenHash(this.#pepper, token)];
    const expiresAt = new Date(Date.now() + this.#lifetime.totalSeconds * 1000);
    const mac = this.#guard.mac(guardedSession({ id, userId: user.id, hash, expiresAt }));
    await manager.query(
      `INSERT INTO user_session (id, user_id, hash, address, client, created_at, seen_at, expires_at, mac)
       VALUES ($1, $2, $3, $4, $5, now(), now(), $6, $7)`,
      [id, user.id, hash, address, client, expiresAt, mac],
    );
    await manager.query('UPDATE user_account SET signed_in_at = now() WHERE id = $1', [user.id]);
    await manager.query(
      `DELETE FROM user_session WHERE id IN
         (SELECT id FROM user_session WHERE user_id = $1 ORDER BY created_at DESC, id OFFSET $2)`,
      [user.id, maxSessions],
    );
    const session = (await this.list(user.id, manager)).find((one) => one.id === id);
    if (session === undefined) throw new Error('A session that was just opened is not there');
    return { token, session };
  }

  /** The living sessions of a user, the newest first. */
  async list(userId: string, manager: EntityManager = this.#database.manager): Promise<SessionView[]> {
    return manager.query<SessionView[]>(
      `SELECT s.id, u.name AS "user", s.address, s.client, s.created_at AS "createdAt", s.seen_at AS "seenAt",
         least(s.expires_at, s.seen_at + make_interval(secs => $2)) AS "expiresAt"
       FROM user_session s JOIN user_account u ON u.id = s.user_id
       WHERE s.user_id = $1 AND s.expires_at > now() AND s.seen_at > now() - make_interval(secs => $2)
       ORDER BY s.created_at DESC, s.id`,
      [userId, this.#lifetime.idleSeconds],
    );
  }

  /** Whether a session of a user is there and not over. */
  async isLive(manager: EntityManager, id: string, userId: string): Promise<boolean> {
    const [row] = await manager.query<(SessionFacts & { mac: Buffer | null })[]>(
      `SELECT id, user_id AS "userId", hash, expires_at AS "expiresAt", mac FROM user_session
       WHERE id = $1 AND user_id = $2 AND expires_at > now()`,
      [id, userId],
    );
    return row !== undefined && this.#guard.believes(guardedSession(row), row.mac);
  }

  /** Whose session it is, or undefined. */
  async ownerOf(manager: EntityManager, id: string): Promise<UserRow | undefined> {
    const [row] = await manager.query<StoredUser[]>(
      `SELECT ${userColumns} FROM user_session s JOIN user_account u ON u.id = s.user_id WHERE s.id = $1`,
      [id],
    );
    return row && userOf(this.#guard, row);
  }

  /** Ends a session. */
  async end(manager: EntityManager, id: string): Promise<void> {
    await manager.query('DELETE FROM user_session WHERE id = $1', [id]);
  }

  /** Ends all sessions of a user. */
  async endAll(manager: EntityManager, userId: string): Promise<void> {
    await manager.query('DELETE FROM user_session WHERE user_id = $1', [userId]);
  }

  /** Ends the session of a token, whosever it is. */
  async endByToken(manager: EntityManager, token: string): Promise<void> {
    await manager.query('DELETE FROM user_session WHERE hash = $1', [tokenHash(this.#pepper, token)]);
  }

  /** Forgets sessions and links that are over. */
  async sweep(): Promise<void> {
    await this.#database.query(
      'DELETE FROM user_session WHERE expires_at < now() OR seen_at < now() - make_interval(secs => $1)',
      [this.#lifetime.idleSeconds],
    );
    await this.#database.query('DELETE FROM user_link WHERE expires_at < now()');
  }
}
