import type { StoreEpoch } from '@onecli/shared/ports/snapshot-source';
import { isEpochConfirmed } from '@onecli/shared/vault/epoch';

/** What a worker makes of the store's epoch: the one that it has, one to begin anew with, or why it may not be taken. */
export type EpochVerdict = 'same' | 'next' | 'unconfirmed' | 'forged' | 'foreign';

/** Takes a step back of the store only when an operator has confirmed it. */
export class EpochGuard {
  readonly #key: Buffer;
  readonly #instanceId: string | undefined;
  #epoch: number | undefined;

  /**
   * @param key the instance's key for `epoch`
   * @param instanceId whose store is followed; undefined where stores do not tell
   */
  constructor(key: Buffer, instanceId?: string) {
    this.#key = key;
    this.#instanceId = instanceId;
  }

  judge({ instanceId, epoch, mac, isRestored }: StoreEpoch): EpochVerdict {
    if (this.#instanceId !== undefined && instanceId !== this.#instanceId) return 'foreign';
    if (isRestored) return 'unconfirmed';
    if (epoch === this.#epoch) return 'same';
    const isLater = this.#epoch === undefined || epoch > this.#epoch;
    return isLater && isEpochConfirmed(this.#key, epoch, mac) ? 'next' : 'forged';
  }

  /** The configuration in force is of this epoch from now on. */
  take({ epoch }: StoreEpoch): void {
    this.#epoch = epoch;
  }
}
