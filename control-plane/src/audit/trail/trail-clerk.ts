import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource } from 'typeorm';
import type { LeaderJob } from '../../leadership/leader-jobs.ts';
import { keepAdminEvents } from './admin-entries.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';
import { TreeAltered } from './tree-altered.ts';

const lookEveryMs = 500;
const signEveryMs = 400;

export interface TrailClerkOptions {
  readonly database: DataSource;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly signer: CheckpointSigner;
  /** Told whether the stored tree is the one that was signed; undefined when another control plane looks after it. */
  readonly sound: (isSound: boolean | undefined) => void;
}

/**
 * Brings admin events into the trail and signs its head, at least once in a second in which something was added. Should two
 * control planes do it, the lock of the tree gives them one order, and a checkpoint is made once.
 */
export class TrailClerk implements LeaderJob {
  readonly name = 'trail';
  readonly everyMs = lookEveryMs;
  readonly #options: TrailClerkOptions;

  constructor(options: TrailClerkOptions) {
    this.#options = options;
  }

  /** Does what there is to be done now. */
  readonly look = async (signal: AbortSignal): Promise<void> => {
    const { database, keyring, macKey, signer, sound } = this.#options;
    try {
      while ((await keepAdminEvents(database, keyring, macKey)) > 0 && !signal.aborted);
      await signer.sign(signEveryMs);
      sound(true);
    } catch (error) {
      if (error instanceof TreeAltered) sound(false);
      throw error;
    }
  };

  readonly lost = (): void => this.#options.sound(undefined);
}
