import { EntitySchema } from 'typeorm';

export interface RouteRow {
  id: string;
  name: string;
  /** Grows with each write; the body is sealed for it. */
  version: number;
  sealedBody: Buffer;
  /** The source of configuration as code that made it; null when it was made by hand. */
  managedBy: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export const RouteEntity = new EntitySchema<RouteRow>({
  name: 'route',
  columns: {
    id: { type: 'uuid', primary: true },
    name: { type: 'text', unique: true },
    version: { type: 'integer' },
    sealedBody: { name: 'sealed_body', type: 'bytea' },
    managedBy: { name: 'managed_by', type: 'text', nullable: true },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    updatedAt: { name: 'updated_at', type: 'timestamptz' },
  },
});
