import { randomUUID } from 'node:crypto';
import { isPlainName } from '@onecli/shared/domain/names';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../../configuration/change-config.ts';
import { isId, type ObjectRef } from '../../configuration/object-ref.ts';
import { type Action, actions as allActions } from '../actions.ts';
import { type Assignment, type Principal, everywhere } from '../principal.ts';
import { guardedKey, type KeyFacts } from '../../keys/guarded-rows.ts';
import type { RowGuard } from '../../keys/row-guard.ts';
import { principalOfUser, readAssignments, type StoredUser, userColumns, userOf } from '../users/user-store.ts';
import { newKeyText, shownHead } from './key-text.ts';

/** The use of a key is written down when the last note of it is older than this. */
const noteAfterSeconds = 300;

/** Instead of an owner: whosever they are. */
export const everybody = Symbol('everybody');

/** An API key as it is shown; the key itself is kept nowhere. */
export interface ApiKeyView {
  readonly id: string;
  readonly name: string;
  /** The user whose key it is; null for one that was made by this machine's command line. */
  readonly owner: string | null;
  /** Its first characters, by which a person knows it again. */
  readonly prefix: string;
  /** Null: those that its owner has. */
  readonly roles: readonly Assignment[] | null;
  /** Null: all that its roles let it do. */
  readonly actions: readonly string[] | null;
  /** Null: all in which its roles hold. */
  readonly environments: readonly string[] | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** To within five minutes. */
  readonly usedAt: Date | null;
  /** It or its owner came back by a restore that nobody has confirmed: it lets nobody in. */
  readonly isHeld: boolean;
  /** That made it; its use is no change of it. */
  readonly revision: number;
}

/** What a new key is to be. */
export interface NewApiKey {
  readonly name: string;
  readonly roles: readonly Assignment[] | null;
  readonly actions: readonly Action[] | null;
  readonly environments: readonly string[] | null;
  readonly expiresAt: Date | null;
  /** The id of the key that makes it, which it does not outlive. */
  readonly madeBy: string | undefined;
}

const viewColumns = `k.id, k.name, u.name AS "owner", k.prefix, k.assignments AS roles, k.actions, k.environments,
  k.created_at AS "createdAt", k.expires_at AS "expiresAt", k.used_at AS "usedAt", (k.is_held OR u.is_held IS TRUE) AS "isHeld",
  k.revision::float8 AS revision`;

interface StoredKey extends KeyFacts {
  readonly keyMac: Buffer | null;
  readonly isNoted: boolean;
}

/** With its owner, if it has one. */
interface LiveKey {
  readonly key: StoredKey;
  readonly owner: Principal | undefined;
}

/** API keys; only a keyed hash of each is kept. */
export class ApiKeyStore {
  readonly #database: DataSource;
  readonly #pepper: Buffer;
  readonly #guard: RowGuard;

  constructor(database: DataSource, pepper: Buffer, guard: RowGuard) {
    this.#database = database;
    this.#pepper = pepper;
    this.#guard = guard;
  }

  /**
   * The principal of a key; undefined for a text that is unknown or over, or whose owner may not come in.
   * The key's use is written down, sparingly.
   */
  async find(text: string): Promise<Principal | undefined> {
    const found = await this.#live(this.#database.manager, 'hash', tokenHash(this.#pepper, text));
    if (found === undefined) return undefined;
    const { keyId, isNoted } = found.key;
    if (!isNoted) await this.#database.query('UPDATE api_key SET used_at = now() WHERE id = $1', [keyId]);
    return principalOf(found);
  }

  /** The principal that the key of that id is now; undefined as for `find`. */
  async findById(id: string, manager: EntityManager): Promise<Principal | undefined> {
    const found = await this.#live(manager, 'id', id);
    return found && principalOf(found);
  }

  /** Makes a key and gives its text; only here. */
  async insert(tx: ConfigTransaction, ownerId: string | undefined, key: NewApiKey): Promise<string> {
    const text = newKeyText();
    const { name: keyName, roles, actions, environments, expiresAt } = key;
    const row = { keyId: randomUUID(), keyName, ownerId: ownerId ?? null, hash: tokenHash(this.#pepper, text), roles };
    const mac = this.#guard.mac(guardedKey({ ...row, actions, environments, expiresAt, madeBy: key.madeBy ?? null }));
    await tx.manager.query(
      `INSERT INTO api_key (id, name, owner_id, hash, prefix, assignments, actions, environments, created_at, expires_at, made_by,
         revision, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), $9, $10, $11, $12)`,
      [
        row.keyId,
        keyName,
        row.ownerId,
        row.hash,
        shownHead(text),
        roles === null ? null : JSON.stringify(roles),
        actions,
        environments,
        expiresAt,
        key.madeBy ?? null,
        tx.revision,
        mac,
      ],
    );
    tx.changed('api-key', row.keyId, 'upsert');
    return text;
  }

  /** The key that is meant, and the id of its owner. */
  async get(
    ref: ObjectRef,
    manager: EntityManager = this.#database.manager,
  ): Promise<{ readonly view: ApiKeyView; readonly ownerId: string | null } | undefined> {
    const isName = typeof ref === 'string';
    const given = isName ? ref : ref.id;
    if (!(isName ? isPlainName(given) : isId(given))) return undefined;
    const [row] = await manager.query<(ApiKeyView & { ownerId: string | null })[]>(
      `SELECT ${viewColumns}, k.owner_id AS "ownerId" FROM api_key k LEFT JOIN user_account u ON u.id = k.owner_id
       WHERE k.${isName ? 'name' : 'id'} = $1`,
      [given],
    );
    if (row === undefined) return undefined;
    const { ownerId, ...view } = row;
    return { view, ownerId };
  }

  /** Keys after a name, in the order of names, of one owner, of nobody (null), or of all. */
  async list(
    ownerId: string | null | typeof everybody,
    after: string | undefined,
    limit: number,
  ): Promise<ApiKeyView[]> {
    return this.#database.query<ApiKeyView[]>(
      `SELECT ${viewColumns} FROM api_key k LEFT JOIN user_account u ON u.id = k.owner_id
       WHERE ($1 OR k.owner_id IS NOT DISTINCT FROM $2::uuid) AND ($3::text IS NULL OR k.name > $3)
       ORDER BY k.name LIMIT $4`,
      [ownerId === everybody, ownerId === everybody ? null : ownerId, after?.replaceAll('\0', '') ?? null, limit],
    );
  }

  /** How many keys of a user are not over. */
  async countLive(manager: EntityManager, ownerId: string): Promise<number> {
    const [row] = await manager.query<{ count: number }[]>(
      'SELECT count(*)::int AS count FROM api_key WHERE owner_id = $1 AND (expires_at IS NULL OR expires_at > now())',
      [ownerId],
    );
    return row?.count ?? 0;
  }

  /** Ends a key, and all that were made by it or by those. Gives the names of these others. */
  async remove(tx: ConfigTransaction, name: string): Promise<string[]> {
    const [rows] = await tx.manager.query<[{ id: string; name: string }[], number]>(
      `WITH RECURSIVE ended AS (
         SELECT id FROM api_key WHERE name = $1
         UNION SELECT k.id FROM api_key k JOIN ended e ON k.made_by = e.id)
       DELETE FROM api_key k USING ended e WHERE k.id = e.id RETURNING k.id, k.name`,
      [name],
    );
    for (const { id } of rows) tx.changed('api-key', id, 'remove');
    return rows
      .map((row) => row.name)
      .filter((each) => each !== name)
      .sort();
  }

  /** A key that is neither over nor held and is believed, and whose owner, if it has one, may come in. */
  async #live(manager: EntityManager, by: 'hash' | 'id', given: unknown): Promise<LiveKey | undefined> {
    const [row] = await manager.query<(StoredKey & StoredUser)[]>(
      `SELECT k.id AS "keyId", k.name AS "keyName", k.assignments AS roles, k.actions, k.environments, k.expires_at AS "expiresAt",
         k.owner_id AS "ownerId", k.hash, k.made_by AS "madeBy", k.mac AS "keyMac",
         coalesce(k.used_at > now() - make_interval(secs => $2), false) AS "isNoted", ${userColumns}
       FROM api_key k LEFT JOIN user_account u ON u.id = k.owner_id
       WHERE k.${by} = $1 AND NOT k.is_held AND (k.expires_at IS NULL OR k.expires_at > now())
         AND (k.owner_id IS NULL OR NOT (u.is_disabled OR u.is_held))`,
      [given, noteAfterSeconds],
    );
    if (row === undefined || !this.#guard.believes(guardedKey(row), row.keyMac)) return undefined;
    if (row.ownerId === null) return { key: row, owner: undefined };
    const owner = userOf(this.#guard, row);
    return owner.isDisabled ? undefined : { key: row, owner: principalOfUser(owner) };
  }
}

function principalOf({ key, owner }: LiveKey): Principal {
  const { keyName, roles, actions, environments, expiresAt } = key;
  const known = actions?.filter((action) => (allActions as readonly string[]).includes(action)) as Action[] | undefined;
  return {
    kind: 'key',
    name: keyName,
    keyId: key.keyId,
    assignments: readAssignments(roles) ?? owner?.assignments ?? everywhere('owner'),
    ...(owner?.userId !== undefined && { userId: owner.userId }),
    limits: {
      actions: known && new Set(known),
      environments: environments === null ? undefined : new Set(environments),
      owner,
      ...(expiresAt !== null && { expiresAt }),
    },
  };
}
