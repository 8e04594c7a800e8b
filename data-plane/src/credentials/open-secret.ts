import type { SealedVersion, SecretRecord } from '@onecli/shared/domain/snapshot';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { SecretValue } from '@onecli/shared/secret-value';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open } from '@onecli/shared/vault/seal';

/**
 * Opens secret versions when a request first needs them and remembers them as long as their sealed row is part of a
 * snapshot: a row that was replaced or removed takes its opened value with it.
 */
export class SecretOpener {
  readonly #opened = new WeakMap<SealedVersion, { readonly secret: SecretRecord; readonly value: SecretValue }>();
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** The value of a secret's version. Throws VaultFault when the row was altered, moved or re-pointed. */
  open(secret: SecretRecord, version: SealedVersion): SecretValue {
    const known = this.#opened.get(version);
    if (known?.secret === secret) return known.value;
    const bytes = open(this.#keyring, secretVersionContext(secret.id, version.version, secret.binding), version.sealed);
    const value = SecretValue.of(bytes);
    bytes.fill(0);
    this.#opened.set(version, { secret, value });
    return value;
  }
}
