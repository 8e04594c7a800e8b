import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';

export interface UserAccount {
  readonly name: string;
  readonly passwordHash: string;
  readonly role: string;
  readonly isDisabled: boolean;
}

/** The accounts of people. Passwords lie there as scrypt hashes alone. */
export class UserStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** The account of that name, or undefined. */
  async find(name: string): Promise<UserAccount | undefined> {
    const rows: UserAccount[] = await this.#database.query(
      `SELECT name, password_hash AS "passwordHash", role, is_disabled AS "isDisabled" FROM user_account WHERE name = $1`,
      [name],
    );
    return rows[0];
  }

  /** Whether anybody could sign in at all. */
  async isEmpty(): Promise<boolean> {
    const rows: unknown[] = await this.#database.query('SELECT 1 FROM user_account WHERE NOT is_disabled LIMIT 1');
    return rows.length === 0;
  }

  /** Makes the account an enabled owner with that password hash. */
  async putOwner(name: string, passwordHash: string): Promise<void> {
    await this.#database.query(
      `INSERT INTO user_account (id, name, password_hash, role, is_disabled, created_at, updated_at)
       VALUES ($1, $2, $3, 'owner', false, now(), now())
       ON CONFLICT (name) DO UPDATE
         SET password_hash = excluded.password_hash, role = 'owner', is_disabled = false, updated_at = now()`,
      [randomUUID(), name, passwordHash],
    );
  }
}
