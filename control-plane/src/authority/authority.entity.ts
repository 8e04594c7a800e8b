import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

export interface ClientAuthorityRow {
  id: string;
  certificatePem: string;
  sealedKey: Buffer;
  isActive: boolean;
  createdAt: Date;
}

export interface AuthorityRow extends ClientAuthorityRow {
  /** When the next one becomes active by itself. */
  activatesAt: Date | null;
  activatedAt: Date | null;
  replacedAt: Date | null;
}

const columns = {
  id: { type: 'uuid', primary: true },
  certificatePem: { name: 'certificate_pem', type: 'text' },
  sealedKey: { name: 'sealed_key', type: 'bytea' },
  isActive: { name: 'is_active', type: 'boolean' },
  createdAt: { name: 'created_at', type: 'timestamptz' },
} satisfies Record<keyof ClientAuthorityRow, EntitySchemaColumnOptions>;

/** The authorities that agents trust. */
export const AuthorityEntity = new EntitySchema<AuthorityRow>({
  name: 'certificate_authority',
  columns: {
    ...columns,
    activatesAt: { name: 'activates_at', type: 'timestamptz', nullable: true },
    activatedAt: { name: 'activated_at', type: 'timestamptz', nullable: true },
    replacedAt: { name: 'replaced_at', type: 'timestamptz', nullable: true },
  },
});

/** The authority that client certificates of agents are issued by. It is another one: neither can stand for the other. */
export const ClientAuthorityEntity = new EntitySchema<ClientAuthorityRow>({ name: 'client_authority', columns });
