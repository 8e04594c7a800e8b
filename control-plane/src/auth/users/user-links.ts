import { randomBytes } from 'node:crypto';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { EntityManager } from 'typeorm';
import { guardedLink } from '../../keys/guarded-rows.ts';
import type { RowGuard } from '../../keys/row-guard.ts';
import { type StoredUser, type UserRow, userColumns, userOf } from './user-store.ts';

const prefix = 'oci_';
const tokenBytes = 32;

/** A text by which its holder sets a user's password, once. It is told this once and kept nowhere. */
export interface UserLink {
  readonly token: string;
  readonly expiresAt: Date;
}

/** One-time links of users; each has one at most, and a new one ends the one before. */
export class UserLinks {
  readonly #pepper: Buffer;
  readonly #guard: RowGuard;

  constructor(pepper: Buffer, guard: RowGuard) {
    this.#pepper = pepper;
    this.#guard = guard;
  }

  /** A new link for a user. */
  async make(manager: EntityManager, userId: string, validSeconds: number): Promise<UserLink> {
    const token = prefix + randomBytes(tokenBytes).toString('base64url');
    const expiresAt = new Date(Date.now() + validSeconds * 1000);
    const hash = tokenHash(this.#pepper, token);
    await manager.query(
      `INSERT INTO user_link (user_id, hash, created_at, expires_at, mac) VALUES ($1, $2, now(), $3, $4)
       ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, created_at = now(), expires_at = excluded.expires_at,
         mac = excluded.mac`,
      [userId, hash, expiresAt, this.#guard.mac(guardedLink({ userId, hash, expiresAt }))],
    );
    return { token, expiresAt };
  }

  /** The user that a link is for; undefined when it is unknown, used or over, or he may not come in. It stays as it is. */
  async find(manager: EntityManager, token: string): Promise<UserRow | undefined> {
    const hash = tokenHash(this.#pepper, token);
    const [row] = await manager.query<(StoredUser & { linkExpiresAt: Date; linkMac: Buffer | null })[]>(
      `SELECT l.expires_at AS "linkExpiresAt", l.mac AS "linkMac", ${userColumns}
       FROM user_link l JOIN user_account u ON u.id = l.user_id
       WHERE l.hash = $1 AND l.expires_at > now() AND NOT u.is_disabled AND NOT u.is_held FOR UPDATE OF l`,
      [hash],
    );
    if (row === undefined) return undefined;
    const { linkExpiresAt: expiresAt, linkMac, ...stored } = row;
    if (!this.#guard.believes(guardedLink({ userId: stored.id, hash, expiresAt }), linkMac)) return undefined;
    const user = userOf(this.#guard, stored);
    return user.isDisabled ? undefined : user;
  }
}
