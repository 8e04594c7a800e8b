import type { Keyring } from '@onecli/shared/vault/keyring';
import type { RowGuard } from '../keys/row-guard.ts';
import type { KeyTerms } from '../keys/key-terms.ts';

/** An opened instance: its id, and the keys that the control plane needs of its master key. Keys are 32 bytes each. */
export interface InstanceKeys {
  readonly instanceId: string;
  /** Seals and opens; that of `terms`. */
  readonly keyring: Keyring;
  /** Keeps the keyring at the terms that are committed. */
  readonly terms: KeyTerms;
  readonly tokenPepper: Buffer;
  readonly fingerprintKey: Buffer;
  readonly busKey: Buffer;
  readonly auditQueueKey: Buffer;
  /** Of the chain of audit entries: see vault/audit-chain. */
  readonly auditMacKey: Buffer;
  /** Confirms lives of the database: see vault/epoch. */
  readonly epochKey: Buffer;
  /** Seals the list of destroyed values. */
  readonly destroyedKey: Buffer;
  /** Seed of the Ed25519 key that signs checkpoints of the audit trail. */
  readonly auditSigningSeed: Buffer;
  /** Makes and checks the MACs of rows. */
  readonly rows: RowGuard;
}
