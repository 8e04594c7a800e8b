import { type EntityManager, In } from 'typeorm';
import type { Reach } from '../auth/authorize.ts';
import { type Page, defaultLimit, maxLimit } from '../configuration/page.ts';
import { RotationEntity, type RotationRow } from './rotation.entity.ts';

export interface RotationPageRequest {
  /** The name of a secret: what comes after it. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** One page of rotations with the names of their secrets, in the order of those, within the environments in reach. */
export async function pageOfRotations(
  manager: EntityManager,
  { after, limit: asked = defaultLimit }: RotationPageRequest,
  reach: Reach,
): Promise<Page<{ readonly name: string; readonly row: RotationRow }>> {
  const limit = Math.min(Math.max(Math.trunc(asked), 1), maxLimit);
  const found = await manager.query<{ id: string; name: string }[]>(
    `SELECT r.id, s.name FROM rotation r JOIN secret s ON s.id = r.secret_id
     WHERE ($1::text IS NULL OR s.name > $1) AND ($2::text[] IS NULL OR split_part(s.name, '/', 1) = ANY ($2))
     ORDER BY s.name LIMIT $3`,
    [after?.replaceAll('\0', '') ?? null, reach === '*' ? null : [...reach], limit + 1],
  );
  const shown = found.slice(0, limit);
  const rows = await manager.findBy(RotationEntity, { id: In(shown.map(({ id }) => id)) });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const items = shown.flatMap(({ id, name }) => {
    const row = byId.get(id);
    return row === undefined ? [] : [{ name, row }];
  });
  return { items, next: found.length > limit ? shown.at(-1)?.name : undefined };
}
