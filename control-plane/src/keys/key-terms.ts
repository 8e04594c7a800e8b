import { verifyKeyCheck } from '@onecli/shared/vault/key-check';
import { Keyring, type WrappedTerm } from '@onecli/shared/vault/keyring';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import { Fault } from '@onecli/shared/fault';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';

/** The key terms of an instance as they are stored, those for old audit events among them. */
export interface StoredTerms {
  readonly generation: number;
  readonly keyCheck: Buffer;
  readonly terms: readonly WrappedTerm[];
}

/** @throws Error when there is no instance */
export async function readStoredTerms(manager: EntityManager): Promise<StoredTerms> {
  const [row] = await manager.query<{ generation: string; key_check: Buffer }[]>(
    'SELECT s.key_generation AS generation, i.key_check FROM config_state s, instance i',
  );
  if (row === undefined) throw new Error('The database holds no instance');
  const terms = await manager.query<{ term: number; wrapped_key: Buffer; is_active: boolean }[]>(
    'SELECT term, wrapped_key, activated_at IS NOT NULL AS is_active FROM key_term ORDER BY term',
  );
  return {
    generation: Number(row.generation),
    keyCheck: row.key_check,
    terms: terms.map(({ term, wrapped_key, is_active }) => ({ term, wrappedKey: wrapped_key, isActive: is_active })),
  };
}

/** The key terms that this control plane has, kept at what is committed. */
export class KeyTerms {
  readonly keyring: Keyring;
  readonly #master: MasterKey;
  #generation: number;
  #isMasterKeyCurrent = true;

  /** @throws VaultFault when the terms do not open under the master key */
  constructor(master: MasterKey, instanceId: string, stored: StoredTerms) {
    this.keyring = Keyring.open(master, instanceId, stored.terms);
    this.#master = master;
    this.#generation = stored.generation;
  }

  /** False when the master key was replaced since this process started: it makes no term, and learns none. */
  get isMasterKeyCurrent(): boolean {
    return this.#isMasterKeyCurrent;
  }

  /** Whether the stored terms say that all rows have their MACs; also where they do not open, by which nothing can start. */
  async isStoredMarked(manager: EntityManager): Promise<boolean> {
    const { terms } = await readStoredTerms(manager);
    try {
      return Keyring.open(this.#master, this.keyring.instanceId, terms).hasRowMacs;
    } catch (error) {
      if (error instanceof VaultFault) return true;
      throw error;
    }
  }

  /**
   * Takes up what changed. Under the lock for changes, what is sealed afterwards is sealed under the term that is active then.
   * @throws Fault NOT_READY when a term is there that only the master key opens which has replaced this process's
   */
  async refresh(manager: EntityManager): Promise<void> {
    const [row] = await manager.query<{ generation: string }[]>(
      'SELECT key_generation AS generation FROM config_state',
    );
    if (Number(row?.generation) === this.#generation) return;
    const stored = await readStoredTerms(manager);
    this.#isMasterKeyCurrent = verifyKeyCheck(this.#master, this.keyring.instanceId, stored.keyCheck);
    try {
      this.keyring.learn(stored.terms);
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      const message = 'The master key was replaced: restart this control plane with the new one';
      throw new Fault('NOT_READY', message, { cause });
    }
    this.keyring.forget(stored.terms.map(({ term }) => term));
    this.#generation = stored.generation;
  }
}
