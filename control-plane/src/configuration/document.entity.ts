import { EntitySchema } from 'typeorm';
import { revisionColumn } from './revision-column.ts';

/** A document: a named body that is sealed at rest. */
export interface DocumentRow {
  id: string;
  name: string;
  /** Grows with each write; the body is sealed for it. */
  version: number;
  sealedBody: Buffer;
  /** The revision that last wrote it. */
  revision: number;
  /** The source of configuration as code that made it; null when it was made by hand. */
  managedBy: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** The table of one kind of documents. */
export function documentEntity(table: 'policy' | 'route'): EntitySchema<DocumentRow> {
  return new EntitySchema<DocumentRow>({
    name: table,
    columns: {
      id: { type: 'uuid', primary: true },
      name: { type: 'text', unique: true },
      version: { type: 'integer' },
      sealedBody: { name: 'sealed_body', type: 'bytea' },
      revision: revisionColumn,
      managedBy: { name: 'managed_by', type: 'text', nullable: true },
      createdAt: { name: 'created_at', type: 'timestamptz' },
      updatedAt: { name: 'updated_at', type: 'timestamptz' },
    },
  });
}
