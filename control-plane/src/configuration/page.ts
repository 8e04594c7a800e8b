import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';

/** Which part of a list: rows after a name, in the order of names. */
export interface PageRequest {
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}

/** `next` is undefined on the last page. */
export interface Page<T> {
  readonly items: T[];
  readonly next: string | undefined;
}

const maxLimit = 200;
const defaultLimit = 50;

/** One page of rows by name. A row that is added or removed meanwhile moves no other row to another page. */
export async function pageByName<Row extends ObjectLiteral & { name: string }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  request: PageRequest,
): Promise<Page<Row>> {
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? defaultLimit), 1), maxLimit);
  const rows = await manager
    .getRepository(entity)
    .createQueryBuilder('row')
    .where(request.after === undefined ? 'true' : 'row.name > :after', { after: request.after?.replaceAll('\0', '') })
    .orderBy('row.name', 'ASC')
    .limit(limit + 1)
    .getMany();
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? items.at(-1)?.name : undefined };
}
