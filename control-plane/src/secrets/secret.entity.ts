import type { Binding } from '@onecli/shared/domain/binding';
import { EntitySchema } from 'typeorm';
import { revisionColumn } from '../configuration/revision-column.ts';

export interface SecretRow {
  id: string;
  name: string;
  description: string;
  /** Another text by which agents may hold it; no secret. Null: it has none. */
  alias: string | null;
  /** The alias before that one, and when it dies. */
  previousAlias: string | null;
  previousAliasUntil: Date | null;
  /** Without hosts: the secret is bound nowhere, and never used. */
  binding: Binding;
  currentVersion: number;
  isDisabled: boolean;
  /** From when on workers refuse it. Null: it does not expire. */
  expiresAt: Date | null;
  /** The time that somebody has been told of. */
  expiryWarnedFor: Date | null;
  /** How many versions are kept. Null: all. */
  leaseSeconds: number | null;
  maxVersions: number | null;
  /** The source of configuration as code that made it; null when it was made by hand. */
  managedBy: string | null;
  /** The revision that last wrote it. */
  revision: number;
  createdAt: Date;
  updatedAt: Date;
}

export const SecretEntity = new EntitySchema<SecretRow>({
  name: 'secret',
  columns: {
    id: { type: 'uuid', primary: true },
    name: { type: 'text', unique: true },
    description: { type: 'text' },
    alias: { type: 'text', nullable: true },
    previousAlias: { name: 'previous_alias', type: 'text', nullable: true },
    previousAliasUntil: { name: 'previous_alias_until', type: 'timestamptz', nullable: true },
    binding: { type: 'jsonb' },
    currentVersion: { name: 'current_version', type: 'integer' },
    isDisabled: { name: 'is_disabled', type: 'boolean' },
    expiresAt: { name: 'expires_at', type: 'timestamptz', nullable: true },
    expiryWarnedFor: { name: 'expiry_warned_for', type: 'timestamptz', nullable: true },
    leaseSeconds: { name: 'lease_seconds', type: 'integer', nullable: true },
    maxVersions: { name: 'max_versions', type: 'integer', nullable: true },
    managedBy: { name: 'managed_by', type: 'text', nullable: true },
    revision: revisionColumn,
    createdAt: { name: 'created_at', type: 'timestamptz' },
    updatedAt: { name: 'updated_at', type: 'timestamptz' },
  },
});

export interface SecretVersionRow {
  secretId: string;
  version: number;
  /** Sealed for the secret, this version and the secret's binding: a change of any needs a new seal. */
  sealed: Buffer;
  fingerprint: string;
  createdAt: Date;
  /** Being tried out: no worker is given it, and it is never current. */
  isPending: boolean;
  /** What the provider calls the key, sealed. Null: nobody told. */
  sealedKeyId: Buffer | null;
}

export const SecretVersionEntity = new EntitySchema<SecretVersionRow>({
  name: 'secret_version',
  columns: {
    secretId: { name: 'secret_id', type: 'uuid', primary: true },
    version: { type: 'integer', primary: true },
    sealed: { type: 'bytea' },
    fingerprint: { type: 'text' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    isPending: { name: 'is_pending', type: 'boolean' },
    sealedKeyId: { name: 'sealed_key_id', type: 'bytea', nullable: true },
  },
});

/** What is left of a version whose ciphertext is gone. */
export interface DestroyedVersionRow {
  secretId: string;
  version: number;
  fingerprint: string;
  createdAt: Date;
  destroyedAt: Date;
}

export const DestroyedVersionEntity = new EntitySchema<DestroyedVersionRow>({
  name: 'destroyed_version',
  columns: {
    secretId: { name: 'secret_id', type: 'uuid', primary: true },
    version: { type: 'integer', primary: true },
    fingerprint: { type: 'text' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    destroyedAt: { name: 'destroyed_at', type: 'timestamptz' },
  },
});
