import { EntitySchema } from 'typeorm';

export interface AuthorityRow {
  id: string;
  certificatePem: string;
  sealedKey: Buffer;
  isActive: boolean;
  createdAt: Date;
}

export const AuthorityEntity = new EntitySchema<AuthorityRow>({
  name: 'certificate_authority',
  columns: {
    id: { type: 'uuid', primary: true },
    certificatePem: { name: 'certificate_pem', type: 'text' },
    sealedKey: { name: 'sealed_key', type: 'bytea' },
    isActive: { name: 'is_active', type: 'boolean' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
  },
});
