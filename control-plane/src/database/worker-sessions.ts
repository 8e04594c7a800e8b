/**
 * What a worker's database role can do to others without any right: everybody may call PostgreSQL's functions for advisory locks, and
 * stay in a transaction for as long as he likes. A worker does neither. So a session of such a role that holds a lock of control planes, or
 * is in a transaction for longer than any worker needs, is ended.
 */
import type { DataSource } from 'typeorm';

/** All locks of control planes have numbers in this range. */
const ownLocks = { from: 6_627_254_000, to: 6_627_254_999 };
/** Longer than a worker takes to read all that there is; a migration waits for less. */
const longestSeconds = 300;
/** Longer than a worker has an advisory lock: adding a batch to the queue takes some milliseconds. */
const longestLockSeconds = 5;
const lookEveryMs = 2_000;
/** How long to stand in line for a lock that a worker holds: whoever asks later comes after. */
const patienceMs = 4_000;
/** lock_not_available and insufficient_privilege (PostgreSQL's manual, appendix A). */
const lockNotAvailable = '55P03';
const insufficientPrivilege = '42501';

/** Runs a statement and gives its rows. */
type Query = (text: string, values?: unknown[]) => Promise<unknown[]>;

interface EndedSession {
  readonly pid: number;
  readonly role: string;
  /** False: the control plane's role may not. */
  readonly isEnded: boolean;
}

const lockNumber = '((l.classid::bigint << 32) | l.objid::bigint)';
const ofWorkers = `pg_stat_activity a JOIN worker_role w ON w.name = a.usename
  WHERE a.datname = current_database() AND a.usename <> current_user`;

/**
 * Ends the sessions of workers' roles that are in the way: those that hold or await a lock of control planes, hold any advisory lock
 * between transactions, hold or await one in a transaction for longer than five seconds, since those of runs' trails lie anywhere, or are
 * in a transaction for longer than `seconds`.
 */
export async function endIntruders(query: Query, seconds = longestSeconds): Promise<EndedSession[]> {
  const found = (await query(
    `SELECT a.pid, a.usename::text AS role FROM ${ofWorkers} AND (
       a.xact_start < clock_timestamp() - make_interval(secs => $1)
       OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'
         AND (a.state = 'idle' OR a.xact_start < clock_timestamp() - make_interval(secs => $4)
           OR (l.objsubid = 1 AND ${lockNumber} BETWEEN $2 AND $3))))`,
    [seconds, ownLocks.from, ownLocks.to, longestLockSeconds],
  )) as { pid: number; role: string }[];
  const ended: EndedSession[] = [];
  for (const each of found) ended.push({ ...each, isEnded: await end(query, each.pid) });
  return ended;
}

async function end(query: Query, pid: number): Promise<boolean> {
  try {
    await query('SELECT pg_terminate_backend($1)', [pid]);
    return true;
  } catch (error) {
    if (codeOf(error) !== insufficientPrivilege) throw error;
    return false;
  }
}

/**
 * Takes a session's advisory lock from a worker's role that holds it, in line before whoever asks for it meanwhile. Not within a
 * transaction. @returns false: somebody else has it, or it could not be had in four seconds
 */
export async function takeFromWorkers(query: Query, lock: number): Promise<boolean> {
  const [known] = (await query("SELECT to_regclass('worker_role') IS NOT NULL AS is")) as { is: boolean }[];
  if (known?.is !== true) return false;
  const held = await query(
    `SELECT a.pid FROM ${ofWorkers} AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'
       AND l.granted AND l.objsubid = 1 AND ${lockNumber} = $1)`,
    [lock],
  );
  if (held.length === 0) return false;
  // Those in line go too; who comes after that, the watch ends.
  await endIntruders(query);
  try {
    await query(`SET lock_timeout = ${patienceMs}`);
    await query('SELECT pg_advisory_lock($1)', [lock]);
    return true;
  } catch (error) {
    if (codeOf(error) !== lockNotAvailable) throw error;
    return false;
  } finally {
    await query('RESET lock_timeout');
  }
}

/** As `pg` throws it, and as TypeORM does. */
function codeOf(error: unknown): string | undefined {
  const { code, driverError } = error as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code;
}

interface Log {
  error(fields: object, message: string): void;
}

/** Looks for such sessions in every control plane: the lock that is held may be the leader's. */
export class WorkerSessionsWatch {
  readonly #database: DataSource;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isTold = false;

  constructor(database: DataSource, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => void (this.#looking ??= this.#look()), lookEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const query: Query = (text, values) => this.#database.query(text, values);
      const sessions = await endIntruders(query);
      for (const session of sessions) this.#tell(session);
      this.#isTold &&= sessions.some(({ isEnded }) => !isEnded);
    } catch {
      // The database is away: whoever needs it says so.
    } finally {
      this.#looking = undefined;
    }
  }

  #tell({ pid, role, isEnded }: EndedSession): void {
    if (isEnded)
      this.#log.error(
        { role, pid },
        'a session of a worker’s database role was ended: it held a lock that no worker takes, or stayed in a transaction',
      );
    else if (!this.#isTold) {
      this.#isTold = true;
      const hint = `GRANT ${role} TO the control plane's role`;
      this.#log.error({ role, pid, hint }, 'a session of a worker’s database role is in the way and may not be ended');
    }
  }
}
