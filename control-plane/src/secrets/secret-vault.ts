import type { Binding } from '@onecli/shared/domain/binding';
import { Fault } from '@onecli/shared/fault';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { fingerprint } from '@onecli/shared/vault/keyed-hash';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { type SecretRow, SecretVersionEntity, type SecretVersionRow } from './secret.entity.ts';

/** Seals and opens the versions of secrets, inside the transaction of a change. */
export class SecretVault {
  readonly #keys: InstanceKeys;

  constructor(keys: InstanceKeys) {
    this.#keys = keys;
  }

  /** Adds the value as the row's current version, which it gives. */
  async insertVersion(manager: EntityManager, row: SecretRow, value: string, now: Date): Promise<SecretVersionRow> {
    const { keyring, fingerprintKey } = this.#keys;
    const plaintext = Buffer.from(value, 'utf8');
    const sealed = seal(keyring, secretVersionContext(row.id, row.currentVersion, row.binding), plaintext);
    const print = fingerprint(fingerprintKey, plaintext);
    plaintext.fill(0);
    const version = {
      secretId: row.id,
      version: row.currentVersion,
      sealed,
      fingerprint: print,
      createdAt: now,
    };
    await manager.insert(SecretVersionEntity, version);
    return version;
  }

  /**
   * Seals every kept version for another binding. Each is opened under the binding that it has: one that was tampered with
   * ends the change here. @throws Fault SECRET_UNAVAILABLE
   */
  async reseal(manager: EntityManager, secret: SecretRow, binding: Binding): Promise<void> {
    const versions = await manager.findBy(SecretVersionEntity, { secretId: secret.id });
    for (const { version, sealed } of versions) {
      const plaintext = this.#open(secret, version, sealed);
      const resealed = seal(this.#keys.keyring, secretVersionContext(secret.id, version, binding), plaintext);
      plaintext.fill(0);
      await manager.update(SecretVersionEntity, { secretId: secret.id, version }, { sealed: resealed });
    }
  }

  /** Whether the current version holds this value. One that does not open holds none. */
  async isCurrent(manager: EntityManager, secret: SecretRow, value: string): Promise<boolean> {
    const { id: secretId, currentVersion: version } = secret;
    const current = await manager.findOneBy(SecretVersionEntity, { secretId, version });
    const wanted = Buffer.from(value, 'utf8');
    // The fingerprint rules most out without opening anything.
    if (current === null || current.fingerprint !== fingerprint(this.#keys.fingerprintKey, wanted)) return false;
    try {
      const plaintext = this.#open(secret, version, current.sealed);
      const isSame = plaintext.equals(wanted);
      plaintext.fill(0);
      return isSame;
    } catch (error) {
      if (error instanceof Fault) return false;
      throw error;
    } finally {
      wanted.fill(0);
    }
  }

  #open(secret: SecretRow, version: number, sealed: Buffer): Buffer {
    try {
      return open(this.#keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed);
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('SECRET_UNAVAILABLE', `Version ${version} of ${secret.name} does not open`, { cause });
    }
  }
}
