import { EntitySchema } from 'typeorm';
import { revisionColumn } from '../configuration/revision-column.ts';

export interface AgentRow {
  id: string;
  name: string;
  labels: Record<string, string>;
  isDisabled: boolean;
  /** How it is recognised; null only until the instance is opened for the first time with this schema. */
  sealedIdentities: Buffer | null;
  /** Of what decides who it is, its tokens among that: see vault/row-mac. */
  mac: Buffer | null;
  /** The source of configuration as code that made it; null when it was made by hand. */
  managedBy: string | null;
  /** The revision that last wrote it. */
  revision: number;
  createdAt: Date;
  updatedAt: Date;
}

export const AgentEntity = new EntitySchema<AgentRow>({
  name: 'agent',
  columns: {
    id: { type: 'uuid', primary: true },
    name: { type: 'text', unique: true },
    labels: { type: 'jsonb' },
    isDisabled: { name: 'is_disabled', type: 'boolean' },
    sealedIdentities: { name: 'sealed_identities', type: 'bytea', nullable: true },
    mac: { type: 'bytea', nullable: true },
    managedBy: { name: 'managed_by', type: 'text', nullable: true },
    revision: revisionColumn,
    createdAt: { name: 'created_at', type: 'timestamptz' },
    updatedAt: { name: 'updated_at', type: 'timestamptz' },
  },
});

/** An identity that no other agent may have, as its keyed hash. */
export const AgentIdentityEntity = new EntitySchema<{ keyHash: Buffer; agentId: string }>({
  name: 'agent_identity',
  columns: {
    keyHash: { name: 'key_hash', type: 'bytea', primary: true },
    agentId: { name: 'agent_id', type: 'uuid' },
  },
});

export interface AgentTokenRow {
  id: string;
  agentId: string;
  /** HMAC-SHA256 under the token pepper: the token itself is nowhere. */
  hash: Buffer;
  /** The first characters, by which a person tells tokens apart. */
  prefix: string;
  createdAt: Date;
  expiresAt: Date | null;
}

export const AgentTokenEntity = new EntitySchema<AgentTokenRow>({
  name: 'agent_token',
  columns: {
    id: { type: 'uuid', primary: true },
    agentId: { name: 'agent_id', type: 'uuid' },
    hash: { type: 'bytea', unique: true },
    prefix: { type: 'text' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    expiresAt: { name: 'expires_at', type: 'timestamptz', nullable: true },
  },
});
