import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../embedded-postgres.ts';
import type { RunningPostgres } from '../embedded-postgres.ts';

const postgresRestartDelayMs = { first: 100, longest: 5_000 };

/** Starts Postgres again, on the same socket, when it ends by itself. */
export class PostgresKeeper {
  readonly #dataDir: string;
  readonly #print: (line: string) => void;
  readonly #stopping = new AbortController();
  #server: RunningPostgres | undefined;
  #restart: Promise<void> | undefined;

  private constructor(dataDir: string, print: (line: string) => void) {
    this.#dataDir = dataDir;
    this.#print = print;
  }

  static async start(dataDir: string, print: (line: string) => void): Promise<PostgresKeeper> {
    const keeper = new PostgresKeeper(dataDir, print);
    await keeper.#start();
    return keeper;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restart;
    await this.#server?.stop();
  }

  async #start(): Promise<void> {
    const previous = this.#server?.connection.host;
    this.#server = await startPostgres({
      dataDir: this.#dataDir,
      signal: this.#stopping.signal,
      onExit: ({ code, signal }) => {
        this.#print(`postgres: ended (${code ?? signal}); starting again`);
        this.#restart = this.#startAgain();
      },
      ...(previous === undefined ? {} : { socketDir: previous }),
    });
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
