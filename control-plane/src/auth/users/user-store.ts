import { createHash, randomUUID } from 'node:crypto';
import { Fault } from '@onecli/shared/fault';
import type { DataSource, EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../../configuration/change-config.ts';
import { isId, type ObjectRef } from '../../configuration/object-ref.ts';
import { guardedUser } from '../../keys/guarded-rows.ts';
import type { RowGuard } from '../../keys/row-guard.ts';
import { type Role, roles } from '../actions.ts';
import { type Assignment, type Principal, everywhere } from '../principal.ts';

/** An account as it lies in the database. */
export interface UserRow {
  readonly id: string;
  readonly name: string;
  /** Null until the user has set a password, and after a reset. */
  readonly passwordHash: string | null;
  readonly assignments: readonly Assignment[];
  readonly isDisabled: boolean;
  /** Somebody else than this instance wrote it: it is disabled, with no role and no password, and can only be deleted. */
  readonly isAltered: boolean;
  /** Came back by a restore that nobody has confirmed: nobody comes in by it. */
  readonly isHeld: boolean;
  readonly signedInAt: Date | null;
  /** That last wrote it; when the user signed in is no change of it. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type StoredUser = Omit<UserRow, 'assignments' | 'isAltered'> & {
  readonly role: string;
  readonly assignments: unknown;
  readonly userMac: Buffer | null;
};

/** The columns of an account under the names of `StoredUser`; for queries that join it as `u`. */
export const userColumns = `u.id, u.name, u.password_hash AS "passwordHash", u.role, u.assignments, u.is_disabled AS "isDisabled",
  u.is_held AS "isHeld", u.signed_in_at AS "signedInAt", u.revision::float8 AS revision,
  u.created_at AS "createdAt", u.updated_at AS "updatedAt",
  u.mac AS "userMac"`;

/** What the column `role` says of roles that it cannot tell: no release that reads it alone lets such a user in. */
const tellsNothing = 'limited';

/** A row of `userColumns` as an account. A role that is not known is none. One that is not believed may do nothing. */
export function userOf(guard: RowGuard, { role, assignments, userMac, ...stored }: StoredUser): UserRow {
  if (!guard.believes(guardedUser({ ...stored, role, assignments }), userMac))
    return { ...stored, passwordHash: null, assignments: [], isDisabled: true, isAltered: true };
  const held = readAssignments(assignments) ?? (isRole(role) ? everywhere(role) : []);
  return { ...stored, assignments: held, isAltered: false };
}

/** The assignments that a column of the database holds; null where it holds none. */
export function readAssignments(column: unknown): readonly Assignment[] | null {
  return Array.isArray(column) ? (column as Assignment[]).filter(({ role }) => isRole(role)) : null;
}

/** The principal that a user is now. */
export function principalOfUser(user: Pick<UserRow, 'id' | 'name' | 'assignments'>): Principal {
  return { kind: 'user', name: user.name, assignments: user.assignments, userId: user.id };
}

/** The principal that a user is who gave the password that the account has. */
export function principalByPassword(user: UserRow): Principal {
  return { ...principalOfUser(user), passwordMark: passwordMarkOf(user) };
}

/** A digest of an account's password hash: another one means another password, or none. */
export function passwordMarkOf({ passwordHash }: Pick<UserRow, 'passwordHash'>): string {
  return createHash('sha256')
    .update(passwordHash ?? '')
    .digest('base64url');
}

/** The accounts of people. Passwords lie there as scrypt hashes alone. */
export class UserStore {
  readonly #database: DataSource;
  readonly #guard: RowGuard;

  constructor(database: DataSource, guard: RowGuard) {
    this.#database = database;
    this.#guard = guard;
  }

  /** The account of that name, or undefined. */
  async find(name: string, manager: EntityManager = this.#database.manager): Promise<UserRow | undefined> {
    // NUL is no character of a name, and Postgres would refuse the query.
    if (name.includes('\0')) return undefined;
    const rows = await manager.query<StoredUser[]>(`SELECT ${userColumns} FROM user_account u WHERE u.name = $1`, [
      name,
    ]);
    return rows[0] && userOf(this.#guard, rows[0]);
  }

  /** The account that is meant, or undefined. */
  async findNamed(ref: ObjectRef, manager: EntityManager = this.#database.manager): Promise<UserRow | undefined> {
    if (typeof ref === 'string') return this.find(ref, manager);
    return isId(ref.id) ? this.findById(ref.id, manager) : undefined;
  }

  /** The account of that id, or undefined. */
  async findById(id: string, manager: EntityManager): Promise<UserRow | undefined> {
    const rows = await manager.query<StoredUser[]>(`SELECT ${userColumns} FROM user_account u WHERE u.id = $1`, [id]);
    return rows[0] && userOf(this.#guard, rows[0]);
  }

  /** Accounts after a name, in the order of names; at most `limit`. */
  async list(after: string | undefined, limit: number): Promise<UserRow[]> {
    const rows = await this.#database.query<StoredUser[]>(
      `SELECT ${userColumns} FROM user_account u WHERE $1::text IS NULL OR u.name > $1 ORDER BY u.name LIMIT $2`,
      [after?.replaceAll('\0', '') ?? null, limit],
    );
    return rows.map((row) => userOf(this.#guard, row));
  }

  /** Whether anybody could sign in at all. */
  async isEmpty(): Promise<boolean> {
    const rows: unknown[] = await this.#database.query('SELECT 1 FROM user_account WHERE NOT is_disabled LIMIT 1');
    return rows.length === 0;
  }

  /** How many could sign in as an owner of every environment, beside one. */
  async countOtherOwners(manager: EntityManager, beside: string): Promise<number> {
    const rows = await manager.query<StoredUser[]>(
      `SELECT ${userColumns} FROM user_account u
       WHERE NOT u.is_disabled AND NOT u.is_held AND u.password_hash IS NOT NULL AND u.id <> $1`,
      [beside],
    );
    return rows.filter((row) => isOwner(userOf(this.#guard, row))).length;
  }

  /** Makes an account without a password. */
  async insert(tx: ConfigTransaction, name: string, assignments: readonly Assignment[]): Promise<UserRow> {
    const id = randomUUID();
    const role = roleColumn(assignments);
    const mac = this.#guard.mac(guardedUser({ id, name, passwordHash: null, role, assignments, isDisabled: false }));
    await tx.manager.query(
      `INSERT INTO user_account (id, name, password_hash, role, assignments, is_disabled, revision, created_at, updated_at, mac)
       VALUES ($1, $2, NULL, $3, $4, false, $5, now(), now(), $6)`,
      [id, name, role, JSON.stringify(assignments), tx.revision, mac],
    );
    tx.changed('user', id, 'upsert');
    return this.#require(tx.manager, name);
  }

  /**
   * Writes roles and state. A link that was made before is void: it was given for what the user was then.
   * @throws Fault CONFLICT for an account that was altered from outside
   */
  async update(
    tx: ConfigTransaction,
    user: UserRow,
    after: Pick<UserRow, 'assignments' | 'isDisabled'>,
  ): Promise<UserRow> {
    await this.#write(tx, user.id, after);
    await tx.manager.query('DELETE FROM user_link WHERE user_id = $1', [user.id]);
    return this.#require(tx.manager, user.name);
  }

  /**
   * Sets a password, or none. All that came in by the one before is out: sessions, links.
   * @throws Fault CONFLICT for an account that was altered from outside
   */
  async setPassword(tx: ConfigTransaction, userId: string, passwordHash: string | null): Promise<void> {
    await this.#write(tx, userId, { passwordHash });
    await tx.manager.query('DELETE FROM user_session WHERE user_id = $1', [userId]);
    await tx.manager.query('DELETE FROM user_link WHERE user_id = $1', [userId]);
  }

  /** Removes an account with its sessions and keys. */
  async remove(tx: ConfigTransaction, userId: string): Promise<void> {
    await tx.manager.query('DELETE FROM user_account WHERE id = $1', [userId]);
    tx.changed('user', userId, 'remove');
  }

  /**
   * Writes what is given, and the MAC of all that the account then is: of what was believed before it was changed, so that no
   * write lends its MAC to what somebody else has put there.
   */
  async #write(
    tx: ConfigTransaction,
    id: string,
    change: Partial<Pick<UserRow, 'passwordHash' | 'assignments' | 'isDisabled'>>,
  ): Promise<void> {
    const [row] = await tx.manager.query<StoredUser[]>(
      `SELECT ${userColumns} FROM user_account u WHERE u.id = $1 FOR UPDATE`,
      [id],
    );
    if (row === undefined) return;
    const user = userOf(this.#guard, row);
    if (user.isAltered)
      throw new Fault('CONFLICT', `The user ${user.name} was altered from outside: delete him and invite him anew`);
    const { name, passwordHash, assignments, isDisabled } = { ...user, ...change };
    const role = roleColumn(assignments);
    const mac = this.#guard.mac(guardedUser({ id, name, passwordHash, role, assignments, isDisabled }));
    await tx.manager.query(
      `UPDATE user_account SET password_hash = $2, role = $3, assignments = $4, is_disabled = $5, mac = $6,
         revision = $7, updated_at = now() WHERE id = $1`,
      [id, passwordHash, role, JSON.stringify(assignments), isDisabled, mac, tx.revision],
    );
    tx.changed('user', id, 'upsert');
  }

  async #require(manager: EntityManager, name: string): Promise<UserRow> {
    const user = await this.find(name, manager);
    if (user === undefined) throw new Error('An account that was just written is not there');
    return user;
  }
}

/** Whether roles make their holder an owner of the whole instance. */
export function isOwner({ assignments }: Pick<UserRow, 'assignments'>): boolean {
  return assignments.some(({ role, environments }) => role === 'owner' && environments.includes('*'));
}

function roleColumn(assignments: readonly Assignment[]): string {
  const [only] = assignments;
  return assignments.length === 1 && only?.environments.includes('*') ? only.role : tellsNothing;
}

function isRole(role: string): role is Role {
  return (roles as readonly string[]).includes(role);
}
