import type { Binding } from '@onecli/shared/domain/binding';
import { EntitySchema } from 'typeorm';
import { revisionColumn } from '../configuration/revision-column.ts';

export interface SecretRow {
  id: string;
  name: string;
  description: string;
  /** Another text by which agents may hold it; no secret. Null: it has none. */
  alias: string | null;
  /** Without hosts: the secret is bound nowhere, and never used. */
  binding: Binding;
  currentVersion: number;
  isDisabled: boolean;
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
    binding: { type: 'jsonb' },
    currentVersion: { name: 'current_version', type: 'integer' },
    isDisabled: { name: 'is_disabled', type: 'boolean' },
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
}

export const SecretVersionEntity = new EntitySchema<SecretVersionRow>({
  name: 'secret_version',
  columns: {
    secretId: { name: 'secret_id', type: 'uuid', primary: true },
    version: { type: 'integer', primary: true },
    sealed: { type: 'bytea' },
    fingerprint: { type: 'text' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
  },
});
