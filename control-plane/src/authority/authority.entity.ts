import { EntitySchema } from 'typeorm';

export interface AuthorityRow {
  id: string;
  certificatePem: string;
  sealedKey: Buffer;
  isActive: boolean;
  createdAt: Date;
}

/** The authority that agents trust. */
export const AuthorityEntity = authorityEntity('certificate_authority');

/** The authority that client certificates of agents are issued by. It is another one: neither can stand for the other. */
export const ClientAuthorityEntity = authorityEntity('client_authority');

function authorityEntity(name: string): EntitySchema<AuthorityRow> {
  return new EntitySchema<AuthorityRow>({
    name,
    columns: {
      id: { type: 'uuid', primary: true },
      certificatePem: { name: 'certificate_pem', type: 'text' },
      sealedKey: { name: 'sealed_key', type: 'bytea' },
      isActive: { name: 'is_active', type: 'boolean' },
      createdAt: { name: 'created_at', type: 'timestamptz' },
    },
  });
}
