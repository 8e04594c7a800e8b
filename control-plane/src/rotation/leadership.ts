import { Client } from 'pg';

/** Any number will do; it must stay the same for every version that may run beside this one. */
const leaderLock = 6_627_254_013;
const connectTimeoutMs = 5_000;

/** One control plane at a time: it holds an advisory lock on a connection of its own, and loses it with that. */
export class Leadership {
  readonly #connectionString: string;
  readonly #lock: number;
  readonly #name: string;
  #client: Client | undefined;

  /** @param lock one for each thing that is led; `name` is what PostgreSQL shows of the connection */
  constructor(connectionString: string, { lock = leaderLock, name = 'onecli-rotation' } = {}) {
    this.#connectionString = connectionString;
    this.#lock = lock;
    this.#name = name;
  }

  /** Whether this process leads now; it tries to, if nobody does. False also when the database cannot be asked. */
  async isHeld(): Promise<boolean> {
    try {
      if (this.#client === undefined) return await this.#take();
      await this.#client.query('SELECT 1');
      return true;
    } catch {
      await this.release();
      return false;
    }
  }

  async release(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #take(): Promise<boolean> {
    const client = new Client({
      connectionString: this.#connectionString,
      application_name: this.#name,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: connectTimeoutMs,
      keepAlive: true,
    });
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [this.#lock]);
      if (rows[0]?.held === true) {
        this.#client = client;
        return true;
      }
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    await client.end();
    return false;
  }
}
