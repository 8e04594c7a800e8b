import { Client } from 'pg';
import { takeFromWorkers } from '../database/worker-sessions.ts';

/** Any number will do; it must stay the same for every version that may run beside this one. */
export const leaderLock = 6_627_254_013;
const timeoutMs = 5_000;
/** The lock is asked about once a second. After this long without a question the server ends the session, and another one leads. */
const defaultLeaseMs = 15_000;
/** undefined_object (PostgreSQL's manual, appendix A): before PostgreSQL 14 no session ends for being silent. */
const unknownSetting = '42704';

/**
 * One control plane at a time leads: it holds an advisory lock on a connection of its own, and loses it with that, however its process
 * ends. One that is stopped (SIGSTOP), hangs, or is cut off asks no more: the server ends its connection.
 */
export class Leadership {
  readonly #connectionString: string;
  readonly #leaseMs: number;
  #client: Client | undefined;
  #hasLock = false;
  #asking: Promise<boolean> | undefined;

  constructor(connectionString: string, leaseMs = defaultLeaseMs) {
    this.#connectionString = connectionString;
    this.#leaseMs = leaseMs;
  }

  /** Whether this process leads now; it tries to, if nobody does. False also when the database cannot be asked. */
  isHeld(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async release(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#hasLock = false;
    await client?.end().catch(() => undefined);
  }

  async #ask(): Promise<boolean> {
    try {
      const client = this.#client ?? (await this.#connect());
      const isHeld = this.#hasLock ? await answers(client) : await takes(client);
      // It may have been lost, or let go, while it was being asked.
      this.#hasLock = isHeld && this.#client === client;
      return this.#hasLock;
    } catch {
      await this.release();
      return false;
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.#connectionString,
      application_name: 'onecli-leader',
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
    });
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${this.#leaseMs}`).catch((error: { code?: string }) => {
        if (error.code !== unknownSetting) throw error;
      });
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return client;
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#hasLock = false;
  }
}

async function answers(client: Client): Promise<boolean> {
  await client.query('SELECT 1');
  return true;
}

async function takes(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [leaderLock]);
  if (rows[0]?.held === true) return true;
  return takeFromWorkers(async (text, values) => (await client.query(text, values)).rows, leaderLock);
}
