import type { AuthorityKind } from '@onecli/shared/certificates/sealed-authority';
import { EntitySchema } from 'typeorm';

export interface AuthorityRow {
  id: string;
  certificatePem: string;
  sealedKey: Buffer;
  isActive: boolean;
  createdAt: Date;
  /** When the next one becomes active by itself. */
  activatesAt: Date | null;
  activatedAt: Date | null;
  replacedAt: Date | null;
  /** Of an authority of clients: until then there may be certificates of it that nobody has noted down. */
  unrecordedUntil?: Date | null;
}

/** Two tables of one form: an authority of one kind can stand for none of the other. */
export const authorityTables = { GATEWAY: 'certificate_authority', CLIENT: 'client_authority' } as const;

function authorityEntity(kind: AuthorityKind): EntitySchema<AuthorityRow> {
  return new EntitySchema<AuthorityRow>({
    name: authorityTables[kind],
    columns: {
      id: { type: 'uuid', primary: true },
      certificatePem: { name: 'certificate_pem', type: 'text' },
      sealedKey: { name: 'sealed_key', type: 'bytea' },
      isActive: { name: 'is_active', type: 'boolean' },
      createdAt: { name: 'created_at', type: 'timestamptz' },
      activatesAt: { name: 'activates_at', type: 'timestamptz', nullable: true },
      activatedAt: { name: 'activated_at', type: 'timestamptz', nullable: true },
      replacedAt: { name: 'replaced_at', type: 'timestamptz', nullable: true },
      ...(kind === 'CLIENT' && { unrecordedUntil: { name: 'unrecorded_until', type: 'timestamptz', nullable: true } }),
    },
  });
}

/** The authorities that agents trust, and those that their client certificates are issued by. */
export const authorityEntities = { GATEWAY: authorityEntity('GATEWAY'), CLIENT: authorityEntity('CLIENT') };
