import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../embedded-postgres.ts';
import type { PostgresOptions, RunningPostgres } from '../embedded-postgres.ts';

const postgresRestartDelayMs = { first: 100, longest: 5_000 };

/** Starts Postgres again, on the same socket, when it ends by itself. */
export class PostgresKeeper {
  readonly #options: Pick<PostgresOptions, 'dataDir' | 'maxConnections'>;
  readonly #print: (line: string) => void;
  #stopping = new AbortController();
  #server: RunningPostgres | undefined;
  #isRunning = false;
  #restart: Promise<void> | undefined;

  private constructor(options: Pick<PostgresOptions, 'dataDir' | 'maxConnections'>, print: (line: string) => void) {
    this.#options = options;
    this.#print = print;
  }

  static async start(
    options: Pick<PostgresOptions, 'dataDir' | 'maxConnections'>,
    print: (line: string) => void,
  ): Promise<PostgresKeeper> {
    const keeper = new PostgresKeeper(options, print);
    await keeper.#start();
    return keeper;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  /** Of the server that runs now. */
  get pid(): number | undefined {
    return this.#isRunning ? this.#server?.pid : undefined;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restart;
    await this.#server?.stop();
    this.#isRunning = false;
  }

  /** Starts the server again after a `stop`, on the same socket. */
  async resume(): Promise<void> {
    if (!this.#stopping.signal.aborted) return;
    this.#stopping = new AbortController();
    await this.#start();
  }

  async #start(): Promise<void> {
    const previous = this.#server?.connection.host;
    this.#server = await startPostgres({
      ...this.#options,
      signal: this.#stopping.signal,
      onExit: ({ code, signal }) => {
        this.#isRunning = false;
        this.#print(`postgres: ended (${code ?? signal}); starting again`);
        this.#restart = this.#startAgain();
      },
      ...(previous === undefined ? {} : { socketDir: previous }),
    });
    this.#isRunning = true;
  }

  async #startAgain(): Promise<void> {
    const { signal } = this.#stopping;
    for (
      let delayMs = postgresRestartDelayMs.first;
      !signal.aborted;
      delayMs = Math.min(delayMs * 2, postgresRestartDelayMs.longest)
    ) {
      try {
        await delay(delayMs, undefined, { signal });
        await this.#start();
        return;
      } catch (error) {
        if (!signal.aborted) this.#print(`postgres: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
