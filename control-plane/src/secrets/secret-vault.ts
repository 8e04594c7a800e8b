import type { Binding } from '@onecli/shared/domain/binding';
import { Fault } from '@onecli/shared/fault';
import { secretKeyIdContext, secretVersionContext } from '@onecli/shared/seal-contexts';
import { SecretValue } from '@onecli/shared/secret-value';
import { fingerprint, isEarlierFingerprint, isFingerprintOf } from '@onecli/shared/vault/keyed-hash';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { type SecretRow, SecretVersionEntity, type SecretVersionRow } from './secret.entity.ts';
import { requireVersion } from './secret-versions.ts';

export interface NewVersion {
  readonly value: string;
  readonly now: Date;
  /** Being tried out: workers are not given it. */
  readonly isPending?: boolean;
  readonly keyId?: string | undefined;
}

/** Seals and opens the versions of secrets, inside the transaction of a change. */
export class SecretVault {
  readonly #keys: InstanceKeys;

  constructor(keys: InstanceKeys) {
    this.#keys = keys;
  }

  /** Adds a version, which it gives. `keyId` is what the provider calls the key. */
  async insertVersion(
    manager: EntityManager,
    secret: SecretRow,
    version: number,
    added: NewVersion,
  ): Promise<SecretVersionRow> {
    const { value, now, isPending = false, keyId } = added;
    const { keyring, fingerprintKey } = this.#keys;
    const plaintext = Buffer.from(value, 'utf8');
    const sealed = seal(keyring, secretVersionContext(secret.id, version, secret.binding), plaintext);
    const print = fingerprint(fingerprintKey, secret.id, plaintext);
    plaintext.fill(0);
    const row = {
      secretId: secret.id,
      version,
      sealed,
      fingerprint: print,
      createdAt: now,
      isPending,
      sealedKeyId: keyId === undefined ? null : this.#sealKeyId(secret, version, keyId),
    };
    await manager.insert(SecretVersionEntity, row);
    return row;
  }

  /** Notes what the provider calls the key of a version. */
  async setKeyId(manager: EntityManager, secret: SecretRow, version: number, keyId: string): Promise<void> {
    const sealedKeyId = this.#sealKeyId(secret, version, keyId);
    await manager.update(SecretVersionEntity, { secretId: secret.id, version }, { sealedKeyId });
  }

  /** The value of a version, to be sent where its binding lets it go. @throws Fault NOT_FOUND, SECRET_UNAVAILABLE */
  async valueOf(manager: EntityManager, secret: SecretRow, version: number): Promise<SecretValue> {
    const row = await requireVersion(manager, secret, version);
    const plaintext = this.#open(secret, version, row.sealed);
    const value = SecretValue.of(plaintext);
    plaintext.fill(0);
    return value;
  }

  /** What the provider calls the key of a version; undefined when that is not known. @throws Fault SECRET_UNAVAILABLE */
  async keyIdOf(manager: EntityManager, secret: SecretRow, version: number): Promise<SecretValue | undefined> {
    const row = await manager.findOneBy(SecretVersionEntity, { secretId: secret.id, version });
    if (row === null || row.sealedKeyId === null) return undefined;
    const { sealedKeyId } = row;
    return SecretValue.of(
      this.#opened(secret, version, () =>
        open(this.#keys.keyring, secretKeyIdContext(secret.id, version), sealedKeyId),
      ),
    );
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
      const print = fingerprint(this.#keys.fingerprintKey, secret.id, plaintext);
      plaintext.fill(0);
      const renewed = { sealed: resealed, fingerprint: print };
      await manager.update(SecretVersionEntity, { secretId: secret.id, version }, renewed);
    }
  }

  /** Whether the current version holds this value. One that does not open holds none. */
  async isCurrent(manager: EntityManager, secret: SecretRow, value: string): Promise<boolean> {
    const { id: secretId, currentVersion: version } = secret;
    const current = await manager.findOneBy(SecretVersionEntity, { secretId, version });
    const wanted = Buffer.from(value, 'utf8');
    // The fingerprint rules most out without opening anything.
    if (current === null || !isFingerprintOf(this.#keys.fingerprintKey, secretId, wanted, current.fingerprint))
      return false;
    try {
      const plaintext = this.#open(secret, version, current.sealed);
      const isSame = plaintext.equals(wanted);
      plaintext.fill(0);
      if (isSame && isEarlierFingerprint(current.fingerprint)) await this.#renewFingerprint(manager, current, wanted);
      return isSame;
    } catch (error) {
      if (error instanceof Fault) return false;
      throw error;
    } finally {
      wanted.fill(0);
    }
  }

  /** One of an earlier release is of the value alone: with the same value in another secret it is the same. */
  async #renewFingerprint(
    manager: EntityManager,
    { secretId, version }: SecretVersionRow,
    value: Buffer,
  ): Promise<void> {
    const print = fingerprint(this.#keys.fingerprintKey, secretId, value);
    await manager.update(SecretVersionEntity, { secretId, version }, { fingerprint: print });
  }

  #sealKeyId(secret: SecretRow, version: number, keyId: string): Buffer {
    return seal(this.#keys.keyring, secretKeyIdContext(secret.id, version), Buffer.from(keyId, 'utf8'));
  }

  #open(secret: SecretRow, version: number, sealed: Buffer): Buffer {
    const context = secretVersionContext(secret.id, version, secret.binding);
    return this.#opened(secret, version, () => open(this.#keys.keyring, context, sealed));
  }

  #opened(secret: SecretRow, version: number, work: () => Buffer): Buffer {
    try {
      return work();
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('SECRET_UNAVAILABLE', `Version ${version} of ${secret.name} does not open`, { cause });
    }
  }
}
