import { randomBytes } from 'node:crypto';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { EntityManager } from 'typeorm';
import { type UserRow, userColumns, userOf } from './user-store.ts';

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

  constructor(pepper: Buffer) {
    this.#pepper = pepper;
  }

  /** A new link for a user. */
  async make(manager: EntityManager, userId: string, validSeconds: number): Promise<UserLink> {
    const token = prefix + randomBytes(tokenBytes).toString('base64url');
    const expiresAt = new Date(Date.now() + validSeconds * 1000);
    await manager.query(
      `INSERT INTO user_link (user_id, hash, created_at, expires_at) VALUES ($1, $2, now(), $3)
       ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, created_at = now(), expires_at = excluded.expires_at`,
      [userId, tokenHash(this.#pepper, token), expiresAt],
    );
    return { token, expiresAt };
  }

  /** The user that a link is for; undefined when it is unknown, used or over. It stays as it is. */
  async find(manager: EntityManager, token: string): Promise<UserRow | undefined> {
    const [row] = await manager.query<Parameters<typeof userOf>[0][]>(
      `SELECT ${userColumns} FROM user_link l JOIN user_account u ON u.id = l.user_id
       WHERE l.hash = $1 AND l.expires_at > now() AND NOT u.is_disabled FOR UPDATE OF l`,
      [tokenHash(this.#pepper, token)],
    );
    return row && userOf(row);
  }
}
