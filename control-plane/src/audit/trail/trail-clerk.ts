import { setTimeout as pause } from 'node:timers/promises';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource } from 'typeorm';
import { keepAdminEvents } from './admin-entries.ts';
import { type CheckpointSigner, TreeAltered } from './checkpoint-signer.ts';

const lookEveryMs = 500;
const signEveryMs = 400;

export interface TrailClerkOptions {
  readonly database: DataSource;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly signer: CheckpointSigner;
  readonly log: { error(fields: object, message: string): void };
  /** Told whether the stored tree is the one that was signed. */
  readonly sound: (isSound: boolean) => void;
}

/**
 * Brings admin events into the trail and signs its head, at least once in a second in which something was added. It may run in
 * several control planes: the lock of the tree gives them one order, and a checkpoint is made once.
 */
export class TrailClerk {
  readonly #options: TrailClerkOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #isTold = false;

  constructor(options: TrailClerkOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Does what there is to be done now. */
  async look(): Promise<void> {
    const { database, keyring, macKey, signer, sound } = this.#options;
    while ((await keepAdminEvents(database, keyring, macKey)) > 0 && !this.#stopping.signal.aborted);
    await signer.sign(signEveryMs);
    sound(true);
    this.#isTold = false;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        this.#tell(error);
      }
      await pause(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #tell(error: unknown): void {
    const { log, sound } = this.#options;
    if (error instanceof TreeAltered) sound(false);
    if (!this.#isTold) log.error({ err: error }, 'the audit trail could not be signed; it will be tried again');
    this.#isTold = true;
  }
}
