/** Database roles for workers: made on demand, and given exactly the rights of worker-grants.ts. */
import {
  grantAuditIntake,
  intakeSchema,
  prepareAuditIntake,
  queueSchema,
} from '@onecli/shared/adapters/postgres/audit-intake';
import type { DataSource, EntityManager } from 'typeorm';
import { insertOfInstance } from '../auth/events/admin-event-store.ts';
import { scramVerifier } from './scram-verifier.ts';
import { workerFunctions, workerReads } from './worker-grants.ts';

/** Any number will do; it must stay the same for every version that may run beside this one. */
const grantLock = 6_627_254_015;
const isWorkerName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(name);
const roleName = /^[a-z_][a-z0-9_]{0,62}$/;

/** A role that cannot be made, or may not be a worker's. */
export class WorkerRoleFault extends Error {
  override readonly name = 'WorkerRoleFault';
}

/** Told of what could not be renewed. */
export interface RoleLog {
  warn(fields: object, message: string): void;
}

/** Why the control plane cannot keep a role's sessions from doing harm. */
export const blindness =
  'the control plane’s role does not see what sessions of this role of workers do, and may not end them';

/**
 * Makes the role, or takes one that is there, gives it its rights, and records it, so that later releases renew them.
 * @param password for a role that signs in with one; undefined leaves it as it is
 * @param worker the one worker that reports by this role, and by no other; undefined leaves it as it is
 * @throws WorkerRoleFault when it has rights that no worker may have, be they everybody's, the password is not printable ASCII, or another role
 * is the worker's
 * @returns the GRANT that is missing for the control plane's role to watch over the sessions of this one; undefined: it can
 */
export async function makeWorkerRole(
  database: DataSource,
  name: string,
  password: string | undefined,
  worker?: string,
): Promise<string | undefined> {
  if (!roleName.test(name))
    throw new WorkerRoleFault('NAME: expected a letter or _, then letters in lower case, digits and _, at most 63');
  if (worker !== undefined && !isWorkerName(worker))
    throw new WorkerRoleFault(
      '--worker: expected the name of a worker: letters in lower case, digits and -, at most 63',
    );
  await prepareIntake(database);
  return database.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock($1)', [grantLock]);
    await makeRole(manager, name);
    // The server is given what it would keep of the password: the password itself would stand in its log.
    if (password !== undefined) await manager.query(`ALTER ROLE ${name} PASSWORD '${verifierOf(password)}'`);
    await record(manager, name, worker);
    const missing = await letEnd(manager, name);
    await grant(manager, name);
    const reason = await whyNot(manager, name);
    if (reason !== undefined) throw new WorkerRoleFault(reason);
    await recordRole(manager, name, { worker, isPasswordSet: password !== undefined });
    return missing;
  });
}

/** Gives every recorded role its rights anew, after the schema was brought up to date. What fails is logged: workers go on. */
export async function renewWorkerRoles(database: DataSource, log: RoleLog): Promise<void> {
  const roles = await database.query<{ name: string; exists: boolean }[]>(
    'SELECT w.name, r.rolname IS NOT NULL AS exists FROM worker_role w LEFT JOIN pg_roles r ON r.rolname = w.name ORDER BY 1',
  );
  if (roles.length === 0) return;
  try {
    await prepareIntake(database);
    await database.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [grantLock]);
      for (const { name, exists } of roles) {
        if (!exists) continue;
        const hint = await letEnd(manager, name);
        if (hint !== undefined) log.warn({ role: name, hint }, blindness);
        await grant(manager, name);
        const reason = await whyNot(manager, name);
        if (reason !== undefined) log.warn({ role: name }, reason);
      }
    });
  } catch (error) {
    log.warn({ err: error }, 'the rights of the workers’ database roles could not be renewed');
  }
}

/** Under the lock. Roles that were dropped are forgotten: with two of one worker, neither could report as it. */
async function record(manager: EntityManager, name: string, worker: string | undefined): Promise<void> {
  if (worker !== undefined) {
    await manager.query(
      `DELETE FROM worker_role r WHERE r.worker = $2 AND r.name <> $1
       AND NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name)`,
      [name, worker],
    );
    const [other] = await manager.query<{ name: string }[]>(
      'SELECT name FROM worker_role WHERE worker = $2 AND name <> $1 ORDER BY name LIMIT 1',
      [name, worker],
    );
    if (other !== undefined)
      throw new WorkerRoleFault(
        `${worker} is bound to role ${other.name}: let the worker sign in as that one, or end it first (DROP OWNED BY ${other.name}; DROP ROLE ${other.name}) and try again`,
      );
  }
  await manager.query(
    `INSERT INTO worker_role (name, worker) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET worker = coalesce(excluded.worker, worker_role.worker)`,
    [name, worker ?? null],
  );
}

/** Who may read what workers decide by is a matter of the record of admins. */
async function recordRole(
  manager: EntityManager,
  name: string,
  { worker, isPasswordSet }: { readonly worker: string | undefined; readonly isPasswordSet: boolean },
): Promise<void> {
  const detail = {
    ...(worker !== undefined && { worker }),
    fields: isPasswordSet ? ['password', 'rights'] : ['rights'],
  };
  await insertOfInstance(manager, [{ action: 'worker:role', objectKind: 'worker', objectName: name, detail }]);
}

async function prepareIntake(database: DataSource): Promise<void> {
  const runner = database.createQueryRunner();
  try {
    await prepareAuditIntake((await runner.connect()) as Parameters<typeof prepareAuditIntake>[0]);
  } finally {
    await runner.release();
  }
}

async function makeRole(manager: EntityManager, name: string): Promise<void> {
  const [found] = await manager.query<{ isMighty: boolean; isMember: boolean; isOwn: boolean }[]>(
    `SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS "isMighty",
       EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS "isMember", rolname = current_user AS "isOwn"
     FROM pg_roles r WHERE rolname = $1`,
    [name],
  );
  if (found === undefined) {
    // Whoever has its password cannot take all connections of the server: a quarter of them are for others, and 16 at least.
    const [row] = await manager.query<{ limit: number }[]>(
      "SELECT greatest(max - greatest(16, max / 4), 4) AS limit FROM current_setting('max_connections') s, LATERAL (SELECT s::int) m (max)",
    );
    await manager.query(
      `CREATE ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
       CONNECTION LIMIT ${row?.limit ?? 50}`,
    );
    return;
  }
  if (found.isOwn) throw new WorkerRoleFault(`${name} is the control plane's own role: name another for workers`);
  if (found.isMighty || found.isMember)
    throw new WorkerRoleFault(
      `${name} is a superuser, may make roles or databases, or is a member of another role: a worker's has only its own rights`,
    );
}

/**
 * The control plane's role may end the sessions of this one, and see what they do: it is its member. To others PostgreSQL shows neither
 * the state of a session nor how long it is in a transaction.
 * @returns the GRANT that is missing where this role may not make itself one; undefined: it is a member
 */
async function letEnd(manager: EntityManager, name: string): Promise<string | undefined> {
  const [row] = await manager.query<{ isMember: boolean; hasOptions: boolean; own: string }[]>(
    `SELECT pg_has_role(current_user, $1, 'USAGE') AS "isMember", quote_ident(current_user) AS own,
       current_setting('server_version_num')::int >= 160000 AS "hasOptions"`,
    [name],
  );
  if (row === undefined || row.isMember) return undefined;
  const options = row.hasOptions ? ' WITH INHERIT TRUE, SET FALSE' : '';
  await manager.query('SAVEPOINT member');
  try {
    await manager.query(`GRANT ${name} TO CURRENT_USER${options}`);
    await manager.query('RELEASE SAVEPOINT member');
  } catch {
    await manager.query('ROLLBACK TO SAVEPOINT member');
  }
  // It may have gone well and yet not do: a role that does not inherit, before PostgreSQL 16.
  const [now] = await manager.query<{ can: boolean }[]>("SELECT pg_has_role(current_user, $1, 'USAGE') AS can", [name]);
  return now?.can === true ? undefined : `GRANT ${name} TO ${row.own}${options}`;
}

/** In one transaction: no worker ever finds its rights half given. */
async function grant(manager: EntityManager, name: string): Promise<void> {
  const [row] = await manager.query<{ schema: string; database: string }[]>(
    'SELECT quote_ident(current_schema()) AS schema, quote_ident(current_database()) AS database',
  );
  if (row === undefined) throw new WorkerRoleFault('the database has no schema');
  for (const kind of ['TABLES', 'SEQUENCES', 'FUNCTIONS'])
    await manager.query(`REVOKE ALL ON ALL ${kind} IN SCHEMA ${row.schema} FROM ${name}`);
  await manager.query(`GRANT CONNECT ON DATABASE ${row.database} TO ${name}`);
  await manager.query(`GRANT USAGE ON SCHEMA ${row.schema} TO ${name}`);
  for (const [table, columns] of Object.entries(workerReads))
    await manager.query(`GRANT SELECT (${columns.join(', ')}) ON ${table} TO ${name}`);
  for (const each of workerFunctions) await manager.query(`GRANT EXECUTE ON FUNCTION ${each} TO ${name}`);
  await grantAuditIntake((text) => manager.query(text), name);
}

/** Why it may not be a worker's: what it made beside the tables, the control plane could take for its own. The right is often everybody's. */
async function whyNot(manager: EntityManager, name: string): Promise<string | undefined> {
  const schemas = await manager.query<{ schema: string }[]>(
    `SELECT quote_ident(nspname) AS schema FROM pg_namespace
     WHERE nspname = ANY (ARRAY[current_schema(), $2, $3]::name[]) AND has_schema_privilege($1, oid, 'CREATE') ORDER BY 1`,
    [name, queueSchema, intakeSchema],
  );
  if (schemas.length === 0) return undefined;
  const revokes = schemas.map(({ schema }) => `REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC, ${name}`);
  return `${name} may create in the control plane's schema, as everybody may in databases from before PostgreSQL 15; as the schema's owner, run: ${revokes.join('; ')}`;
}

function verifierOf(password: string): string {
  if (!/^[\x20-\x7e]{8,1024}$/.test(password))
    throw new WorkerRoleFault('the password: expected 8 to 1024 printable ASCII characters');
  return scramVerifier(password);
}
