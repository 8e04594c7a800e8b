import { type EntityManager, type EntitySchema, type FindOptionsWhere, In } from 'typeorm';

/** Which objects of a kind: those of these names, and all that a source of configuration as code made. */
export interface Selection {
  readonly names: readonly string[];
  readonly managedBy?: string | undefined;
}

/** The rows of a selection, in the order of names. */
export async function selectRows<Row extends { name: string; managedBy: string | null }>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  { names, managedBy }: Selection,
): Promise<Row[]> {
  const where = [
    ...(names.length > 0 ? [{ name: In([...names]) }] : []),
    ...(managedBy === undefined ? [] : [{ managedBy }]),
  ] as unknown as FindOptionsWhere<Row>[];
  if (where.length === 0) return [];
  const rows = await manager.find(entity, { where });
  return rows.sort((one, other) => (one.name < other.name ? -1 : 1));
}
