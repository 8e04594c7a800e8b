import { setTimeout } from 'node:timers/promises';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { isLockHeld } from './lock-fault.ts';
import { boundStatements } from './bounded-client.ts';
import { endIntruders, takeFromWorkers } from './worker-sessions.ts';

/** Any number will do; it must stay the same for every version that may run beside this one. */
const migrationLock = 6_627_254_002;

export interface MigrateOptions {
  /**
   * How long one statement may wait for a lock. While it waits, whoever reads that table waits behind it: workers must not notice.
   * Default 1000.
   */
  readonly lockTimeoutMs?: number;
  /** How long one statement may take. Default five minutes. */
  readonly statementTimeoutMs?: number;
  /** How long it is tried again while others hold locks, or another control plane migrates. Default five minutes. */
  readonly patienceMs?: number;
  readonly retryMs?: number;
  /** Told what an operator should know. */
  readonly log?: MigrationLog;
}

/** The part of a logger that is needed here. */
export interface MigrationLog {
  info(message: string): void;
  warn(message: string): void;
}

const silent: MigrationLog = { info: () => undefined, warn: () => undefined };

type Settings = Required<MigrateOptions> & { readonly deadlineMs: number };

/** The schema cannot be brought up to date now. */
export class MigrationFault extends Error {
  override readonly name = 'MigrationFault';
}

/**
 * Brings the schema up to date, one step after the other, each in a transaction of its own, or in many (ResumableMigration). Control planes that start together
 * take turns. A step that must wait for a lock gives up, lets everybody else through, and is tried again.
 * @throws MigrationFault when locks were held for all of `patienceMs`; what a step throws, after undoing that step
 */
export async function migrate(dataSource: DataSource, options: MigrateOptions = {}): Promise<void> {
  const settings = settingsOf(options);
  const runner = dataSource.createQueryRunner();
  try {
    const connection: unknown = await runner.connect();
    await takeTurn(runner, settings);
    try {
      await runPending(dataSource, runner, settings);
      await reportUnknown(dataSource, runner, settings);
    } finally {
      // The connection goes back to its pool with the settings that it came with.
      await runner.query('RESET lock_timeout');
      await runner.query('RESET statement_timeout');
      boundStatements(connection);
      await runner.query('SELECT pg_advisory_unlock($1)', [migrationLock]);
    }
  } finally {
    await runner.release();
  }
}

function settingsOf(options: MigrateOptions): Settings {
  const { lockTimeoutMs = 1_000, statementTimeoutMs = 300_000, patienceMs = 300_000 } = options;
  const { retryMs = 500, log = silent } = options;
  const deadlineMs = performance.now() + patienceMs;
  return { lockTimeoutMs, statementTimeoutMs, patienceMs, retryMs, log, deadlineMs };
}

/** Asks again and again rather than wait in the server, where the pool's statement timeout would end it. */
async function takeTurn(runner: QueryRunner, { deadlineMs, retryMs, log }: Settings): Promise<void> {
  for (let isTold = false; ; isTold = true) {
    const [row] = (await runner.query('SELECT pg_try_advisory_lock($1) AS "isMine"', [migrationLock])) as {
      isMine: boolean;
    }[];
    if (row?.isMine === true || (await takeFromWorkers(queryOf(runner), migrationLock))) return;
    if (performance.now() > deadlineMs)
      throw new MigrationFault('Another control plane has been migrating all the time');
    if (!isTold) log.warn('another control plane migrates the database: waiting for it');
    await setTimeout(retryMs);
  }
}

async function runPending(dataSource: DataSource, runner: QueryRunner, settings: Settings): Promise<void> {
  const connection: unknown = await runner.connect();
  for (;;) {
    try {
      // Anew for each try: a step that failed may have been at times of its own.
      await runner.query(`SET lock_timeout = ${settings.lockTimeoutMs}`);
      await runner.query(`SET statement_timeout = ${settings.statementTimeoutMs}`);
      boundStatements(connection, settings.statementTimeoutMs);
      const executor = new MigrationExecutor(dataSource, runner);
      executor.transaction = 'each';
      const done = await executor.executePendingMigrations();
      if (done.length > 0)
        settings.log.info(`the schema was brought up to date: ${done.map(({ name }) => name).join(', ')}`);
      return;
    } catch (cause) {
      if (!isLockHeld(cause)) throw cause;
      if (performance.now() > settings.deadlineMs)
        throw new MigrationFault(
          `The schema could not be changed in ${settings.patienceMs / 1_000} s: other sessions hold locks on its tables. Find them in pg_stat_activity (state \`idle in transaction\`, or a dump), end them, and start again. Steps that are done stay done.`,
          { cause },
        );
      settings.log.warn('a step of the schema waits for a lock that another session holds: trying again');
      await endWorkers(runner, settings);
      await setTimeout(settings.retryMs);
    }
  }
}

/** Workers are in no transaction for this long but to read everything anew, which they do again. */
const workersSeconds = 2;

async function endWorkers(runner: QueryRunner, { log }: Settings): Promise<void> {
  const [row] = (await runner.query("SELECT to_regclass('worker_role') IS NOT NULL AS is")) as { is: boolean }[];
  if (row?.is !== true) return;
  for (const { role, isEnded } of await endIntruders(queryOf(runner), workersSeconds))
    log.warn(
      `a session of ${role}, a role of workers, stays in a transaction: it ${isEnded ? 'was' : 'may not be'} ended`,
    );
}

function queryOf(runner: QueryRunner): (text: string, values?: unknown[]) => Promise<unknown[]> {
  return (text, values) => runner.query(text, values) as Promise<unknown[]>;
}

/** After a release was taken back. Steps only add, so that the older release goes on. */
async function reportUnknown(dataSource: DataSource, runner: QueryRunner, { log }: Settings): Promise<void> {
  const executor = new MigrationExecutor(dataSource, runner);
  const known = new Set(dataSource.migrations.map(({ name }) => name));
  const unknown = (await executor.getExecutedMigrations()).map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length > 0) log.warn(`the database has steps of a newer release: ${unknown.join(', ')}`);
}
