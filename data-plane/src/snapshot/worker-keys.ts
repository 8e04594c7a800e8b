import type { StoredKeys } from '@onecli/shared/ports/snapshot-source';
import { verifyKeyCheck } from '@onecli/shared/vault/key-check';
import { Keyring } from '@onecli/shared/vault/keyring';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { Logger } from 'pino';

/** The key terms of this worker's instance: learned while it runs, so that a rotation needs no restart. */
export class WorkerKeys {
  readonly keyring: Keyring;
  readonly #master: MasterKey;
  readonly #log: Logger;
  #taken: StoredKeys;
  #isMasterKeyCurrent = true;
  #areRowsUnproven: boolean;

  /** @throws VaultFault when the terms do not open under the master key */
  constructor(master: MasterKey, instance: { readonly id: string; readonly keys: StoredKeys }, log: Logger) {
    this.keyring = Keyring.open(master, instance.id, instance.keys.terms);
    this.#master = master;
    this.#log = log;
    this.#taken = instance.keys;
    this.#areRowsUnproven = !this.keyring.hasRowMacs;
  }

  /** The generation that was taken up last. */
  get generation(): number {
    return this.#taken.generation;
  }

  /** False when the database has another master key by now: the keys that are here go on, new ones cannot be learned. */
  get isMasterKeyCurrent(): boolean {
    return this.#isMasterKeyCurrent;
  }

  /**
   * True while rows in memory have to be read anew: they may be sealed under a term that the store has given up, or were believed
   * when none had to have a MAC yet.
   */
  get hasOutgrownRows(): boolean {
    const stored = new Set(this.#taken.terms.map(({ term }) => term));
    return this.keyring.terms.some((term) => !stored.has(term)) || (this.#areRowsUnproven && this.keyring.hasRowMacs);
  }

  /** Takes up the keys of the store. Where the master key was replaced, those that are known stay in use. */
  take(keys: StoredKeys): void {
    if (keys.generation === this.#taken.generation) return;
    const wasCurrent = this.#isMasterKeyCurrent;
    this.#isMasterKeyCurrent = verifyKeyCheck(this.#master, this.keyring.instanceId, keys.keyCheck);
    if (wasCurrent && !this.#isMasterKeyCurrent)
      this.#log.error(
        'the master key was replaced: this worker goes on with the keys that it has; restart it with the new one',
      );
    try {
      this.keyring.learn(keys.terms);
      this.#log.info({ terms: this.keyring.terms, sealing: this.keyring.currentTerm }, 'key terms taken up');
    } catch (error) {
      this.#log.error({ err: error }, 'key terms of the store do not open here: those that are known stay in use');
    }
    this.#taken = keys;
  }

  /** Gives up what the store has given up, once all rows in memory were read with what it has now. */
  forgetOutgrown(): void {
    if (!this.hasOutgrownRows) return;
    this.keyring.forget(this.#taken.terms.map(({ term }) => term));
    this.#areRowsUnproven = !this.keyring.hasRowMacs;
  }
}
