import { type KeyObject, createSecretKey, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import { instanceIdBytes } from './instance-id.ts';
import { VaultFault } from './vault-fault.ts';

/** What a derived key is for. One key, one use. */
export type Purpose =
  | 'key-wrapping'
  | 'key-check'
  | 'audit-mac'
  | 'audit-spool'
  | 'audit-detail'
  | 'snapshot-file'
  | 'bus-mac'
  | 'token-pepper'
  | 'fingerprint'
  | 'audit-queue'
  | 'epoch'
  | 'destroyed'
  | 'audit-signing'
  | 'tls-tickets'
  | 'row-mac'
  | 'backup';

const KEY_BYTES = 32;
const HEX_KEY = /^[0-9a-f]{64}$/i;
const PRINTED = '[master key]';

/** The one key that the operator holds. It encrypts nothing itself: every use has a key derived from it. */
export class MasterKey {
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
  }

  /**
   * Takes exactly 64 hexadecimal digits, no white space.
   * @throws VaultFault BAD_MASTER_KEY, which names the expectation and never the value.
   */
  static fromHex(hex: string): MasterKey {
    if (!HEX_KEY.test(hex)) {
      throw new VaultFault('BAD_MASTER_KEY', 'The master key must be exactly 64 hexadecimal digits (32 bytes)');
    }
    const bytes = Buffer.allocUnsafeSlow(KEY_BYTES);
    bytes.write(hex, 'hex');
    try {
      return new MasterKey(createSecretKey(bytes));
    } finally {
      bytes.fill(0);
    }
  }

  /**
   * A 32-byte key for one purpose in one instance: HKDF-SHA256 (RFC 5869) with the 16 bytes of the instance id as salt and
   * `onecli/v1/<purpose>` as info. The caller owns the buffer and may wipe it.
   * @throws VaultFault BAD_INSTANCE_ID
   */
  derive(purpose: Purpose, instanceId: string): Buffer {
    const salt = instanceIdBytes(instanceId);
    return Buffer.from(hkdfSync('sha256', this.#key, salt, `onecli/v1/${purpose}`, KEY_BYTES));
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }
}
