import type { EntityManager, EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** Which part of a list: rows after a name, in the order of names. */
export interface PageRequest {
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
  /** Of rows whose names begin with an environment: those of these environments alone. */
  readonly environments?: ReadonlySet<string> | undefined;
  readonly filter?: PageFilter | undefined;
}

/** Which rows are listed: those to which all of it applies. */
export interface PageFilter {
  readonly namePrefix?: string;
  readonly managedBy?: string;
  /** For kinds that can be disabled. */
  readonly isDisabled?: boolean;
  /** For agents: those that carry each of the labels. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** `next` is undefined on the last page. */
export interface Page<T> {
  readonly items: T[];
  readonly next: string | undefined;
}

export const maxLimit = 200;
export const defaultLimit = 50;

/** Rows that people name: what was approved lies among the policies, under names with a slash, see approvals/. */
export const plainlyNamed = { where: "row.name NOT LIKE '%/%'", parameters: {} } as const;

/** One page of rows by name. A row that is added or removed meanwhile moves no other row to another page. */
export async function pageByName<Row extends ObjectLiteral & { name: string }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  request: PageRequest,
  /** Rows that are meant, as SQL of `row`; all when absent. */
  narrow?: { readonly where: string; readonly parameters: ObjectLiteral },
): Promise<Page<Row>> {
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? defaultLimit), 1), maxLimit);
  const query = manager
    .getRepository(entity)
    .createQueryBuilder('row')
    .where(request.after === undefined ? 'true' : 'row.name > :after', {
      // Without it, and not with another in its place, so that a cursor means the same place.
      after: request.after?.replaceAll('\0', ''),
    });
  addFilter(query, request.filter ?? {});
  if (request.environments !== undefined)
    query.andWhere("split_part(row.name, '/', 1) IN (:...environments)", { environments: [...request.environments] });
  const rows = await query
    .andWhere(narrow?.where ?? 'true', narrow?.parameters)
    .orderBy('row.name', 'ASC')
    .limit(limit + 1)
    .getMany();
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? items.at(-1)?.name : undefined };
}

function addFilter<Row extends ObjectLiteral>(query: SelectQueryBuilder<Row>, filter: PageFilter): void {
  const { namePrefix, managedBy, isDisabled, labels } = filter;
  if (namePrefix !== undefined)
    query.andWhere('row.name LIKE :prefix', { prefix: `${sayable(namePrefix).replaceAll(/[\\%_]/g, '\\$&')}%` });
  if (managedBy !== undefined) query.andWhere('row.managedBy = :managedBy', { managedBy: sayable(managedBy) });
  if (isDisabled !== undefined) query.andWhere('row.isDisabled = :isDisabled', { isDisabled });
  if (labels !== undefined) {
    const said = Object.entries(labels).map(([key, value]) => [sayable(key), sayable(value)]);
    query.andWhere('row.labels @> :labels::jsonb', { labels: JSON.stringify(Object.fromEntries(said)) });
  }
}

/** PostgreSQL knows no NUL in text, and its JSON no lone surrogate: with another in their place a text is one that nothing has. */
function sayable(text: string): string {
  return text.replaceAll(/\0|\p{Surrogate}/gu, '\u{fffd}');
}
