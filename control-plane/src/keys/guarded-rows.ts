import { agentFacts } from '@onecli/shared/domain/agent-facts';
import type { RowFacts } from '@onecli/shared/vault/row-mac';
import type { EntityManager } from 'typeorm';
import type { Assignment } from '../auth/principal.ts';
import type { GuardedRow, RowGuard } from './row-guard.ts';

/** What decides who a user is and what he may do. */
export interface UserFacts {
  readonly id: string;
  readonly name: string;
  readonly passwordHash: string | null;
  readonly role: string;
  /** As the column holds them. */
  readonly assignments: unknown;
  readonly isDisabled: boolean;
}

export function guardedUser({ id, name, passwordHash, role, assignments, isDisabled }: UserFacts): GuardedRow {
  const facts = [id, name, passwordHash, role, rolesOf(assignments), isDisabled];
  return { table: 'user_account', called: name, facts };
}

/** What decides whose an API key is and what it may do. */
export interface KeyFacts {
  readonly keyId: string;
  readonly keyName: string;
  readonly ownerId: string | null;
  readonly hash: Buffer;
  /** As the column holds them. */
  readonly roles: unknown;
  readonly actions: readonly string[] | null;
  readonly environments: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly madeBy: string | null;
}

export function guardedKey(key: KeyFacts): GuardedRow {
  const { keyId, keyName, ownerId, hash, roles, actions, environments, expiresAt, madeBy } = key;
  const limits = [rolesOf(roles), actions, environments, expiresAt?.getTime() ?? null];
  return {
    table: 'api_key',
    called: keyName,
    facts: [keyId, keyName, ownerId, hash.toString('hex'), ...limits, madeBy],
  };
}

/** What decides whose a session is. */
export interface SessionFacts {
  readonly id: string;
  readonly userId: string;
  readonly hash: Buffer;
  readonly expiresAt: Date;
}

export function guardedSession({ id, userId, hash, expiresAt }: SessionFacts): GuardedRow {
  return {
    table: 'user_session',
    called: id,
    facts: [id, userId, hash.toString('hex'), expiresAt.getTime()],
  };
}

/** What decides whose password a link sets. */
export type LinkFacts = Omit<SessionFacts, 'id'>;

export function guardedLink({ userId, hash, expiresAt }: LinkFacts): GuardedRow {
  return {
    table: 'user_link',
    called: userId,
    facts: [userId, hash.toString('hex'), expiresAt.getTime()],
  };
}

/** Roles in one way of writing, whatever the order in which the database gives the fields. */
function rolesOf(column: unknown): RowFacts | null {
  if (!Array.isArray(column)) return null;
  return (column as Assignment[]).map(({ role, environments }) => [role, environments]);
}

/** A table whose rows have MACs, and how those of before get theirs. */
interface GuardedTable {
  readonly table: string;
  readonly id: string;
  readonly select: string;
  readonly guarded: (row: never) => GuardedRow;
}

/** Every table with MACs: a test compares this list with the schema. */
export const guardedTables: readonly GuardedTable[] = [
  {
    table: 'user_account',
    id: 'id',
    select: 'id, name, password_hash AS "passwordHash", role, assignments, is_disabled AS "isDisabled"',
    guarded: guardedUser,
  },
  {
    table: 'api_key',
    id: 'id',
    select: `id AS "keyId", name AS "keyName", owner_id AS "ownerId", hash, assignments AS roles, actions, environments,
      expires_at AS "expiresAt", made_by AS "madeBy"`,
    guarded: guardedKey,
  },
  {
    table: 'user_session',
    id: 'id',
    select: 'id, user_id AS "userId", hash, expires_at AS "expiresAt"',
    guarded: guardedSession,
  },
  {
    table: 'user_link',
    id: 'user_id',
    select: 'user_id AS "userId", hash, expires_at AS "expiresAt"',
    guarded: guardedLink,
  },
  {
    table: 'agent',
    id: 'id',
    select: `id, name, labels, is_disabled AS "isDisabled", coalesce((SELECT json_agg(json_build_object(
      'hash', encode(t.hash, 'hex'), 'expiresAtMs', floor(extract(epoch FROM t.expires_at) * 1000)))
      FROM agent_token t WHERE t.agent_id = agent.id), '[]') AS tokens`,
    guarded: (row: Parameters<typeof agentFacts>[0]) => ({ table: 'agent', called: row.name, facts: agentFacts(row) }),
  },
];

const batchRows = 500;

/** Gives every row that is there its MAC, whatever it had. Within a transaction, under the lock for changes. */
export async function guardAll(manager: EntityManager, guard: RowGuard): Promise<void> {
  for (const { table, id, select, guarded } of guardedTables) {
    let after: string | null = null;
    for (;;) {
      const rows: { rowId: string }[] = await manager.query(
        `SELECT ${id}::text AS "rowId", ${select} FROM ${table} WHERE $1::uuid IS NULL OR ${id} > $1::uuid
         ORDER BY ${table}.${id} LIMIT ${batchRows} FOR UPDATE`,
        [after],
      );
      if (rows.length === 0) break;
      const macs = rows.map((row) => guard.mac(guarded(row as never)));
      await manager.query(
        `UPDATE ${table} t SET mac = m.mac FROM unnest($1::uuid[], $2::bytea[]) AS m (id, mac) WHERE t.${id} = m.id`,
        [rows.map(({ rowId }) => rowId), macs],
      );
      after = rows.at(-1)?.rowId ?? null;
    }
  }
}
