import { Client } from 'pg';

/** Any number will do; it must stay the same for every version that may run beside this one. */
const leaderLock = 6_627_254_013;
const timeoutMs = 5_000;

/**
 * One control plane at a time leads: it holds an advisory lock on a connection of its own, and loses it with that, however its process
 * ends. One that is only stopped (SIGSTOP) goes on holding it.
 */
export class Leadership {
  readonly #connectionString: string;
  #client: Client | undefined;
  #hasLock = false;
  #asking: Promise<boolean> | undefined;

  constructor(connectionString: string) {
    this.#connectionString = connectionString;
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
      const sql = this.#hasLock ? 'SELECT true AS held' : 'SELECT pg_try_advisory_lock($1) AS held';
      const { rows } = await client.query<{ held: boolean }>(sql, this.#hasLock ? [] : [leaderLock]);
      // It may have been lost, or let go, while it was being asked.
      this.#hasLock = rows[0]?.held === true && this.#client === client;
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
