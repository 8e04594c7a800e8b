import type { ChildProcess } from 'node:child_process';
import pg from 'pg';
import { StartFault } from '../start-fault.ts';
import { waitFor } from '../wait-for.ts';

/** SQLSTATE of a server that is not yet, or no longer, open: cannot_connect_now. */
const cannotConnectNow = '57P03';
const invalidCatalogName = '3D000';
const stillComingUp = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', cannotConnectNow]);

interface Connection {
  readonly host: string;
  readonly user: string;
  readonly database: string;
}

/**
 * Resolves once the database answers, made first when the cluster has none of that name.
 * @param server the process that must stay alive meanwhile
 * @throws StartFault when it ends, does not answer within `timeoutMs`, or refuses us
 */
export async function connectWhenReady(
  connection: Connection,
  server: ChildProcess,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  let spawnError: Error | undefined;
  server.once('error', (error) => (spawnError = error));
  const isReady = await waitFor(
    async () => {
      if (spawnError !== undefined) throw new StartFault('PostgreSQL could not be started.', { cause: spawnError });
      if (server.exitCode !== null || server.signalCode !== null) {
        throw new StartFault(
          `PostgreSQL ended while starting (${server.exitCode ?? server.signalCode}): logs/postgres.log in the data folder says why.`,
        );
      }
      return tryOnce(connection);
    },
    { timeoutMs, everyMs: 15, signal },
  );
  if (isReady !== true) {
    throw new StartFault(
      `PostgreSQL did not answer within ${timeoutMs / 1000} s: logs/postgres.log in the data folder says why.`,
    );
  }
}

async function tryOnce(connection: Connection): Promise<boolean> {
  const code = await query(connection, 'SELECT 1');
  if (code === undefined) return true;
  if (stillComingUp.has(code)) return false;
  if (code !== invalidCatalogName) throw new StartFault(`PostgreSQL refuses our connection (${code}).`);
  const name = pg.escapeIdentifier(connection.database);
  const failure = await query({ ...connection, database: 'postgres' }, `CREATE DATABASE ${name}`);
  if (failure !== undefined) throw new StartFault(`The database could not be made (${failure}).`);
  return true;
}

/** Gives the error's code (of the system or SQLSTATE) or undefined for success. */
async function query(connection: Connection, sql: string): Promise<string | undefined> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5_000, ssl: false });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    // A server that goes down or is not up yet may close the socket without a word.
    return 'ECONNRESET';
  } finally {
    await client.end().catch(() => undefined);
  }
}
