import type { Keyring } from '@onecli/shared/vault/keyring';

/** An opened instance: its id, and the keys that the control plane needs of its master key. Keys are 32 bytes each. */
export interface InstanceKeys {
  readonly instanceId: string;
  readonly keyring: Keyring;
  readonly tokenPepper: Buffer;
  readonly fingerprintKey: Buffer;
  readonly busKey: Buffer;
  readonly auditQueueKey: Buffer;
}
