import { Fault } from '@onecli/shared/fault';
import type { EntityManager, EntitySchema, FindOptionsWhere } from 'typeorm';

/** Which object is meant: a name, or an id as it was shown. */
export type ObjectRef = string | { readonly id: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is an id in form: what is none names nothing, and PostgreSQL would refuse to look for it. */
export function isId(text: string): boolean {
  return uuid.test(text);
}

/** A kind of named object, as a person calls it, and where it lies. */
export interface NamedKind<Row extends { id: string; name: string }> {
  readonly kind: string;
  readonly entity: EntitySchema<Row>;
  /** True for a well-formed name: what is none is asked for nowhere. */
  readonly isName: (name: string) => boolean;
}

/** The row that is meant, or null. A name or id that is none names nothing. */
export async function findNamed<Row extends { id: string; name: string }>(
  manager: EntityManager,
  { entity, isName }: NamedKind<Row>,
  ref: ObjectRef,
): Promise<Row | null> {
  const isGood = typeof ref === 'string' ? isName(ref) : isId(ref.id);
  if (!isGood) return null;
  const where = typeof ref === 'string' ? { name: ref } : { id: ref.id };
  const row = await manager.findOneBy(entity, where as FindOptionsWhere<Row>);
  return row !== null && isName(row.name) ? row : null;
}

/** The row that is meant. @throws Fault NOT_FOUND */
export async function requireNamed<Row extends { id: string; name: string }>(
  manager: EntityManager,
  named: NamedKind<Row>,
  ref: ObjectRef,
): Promise<Row> {
  const row = await findNamed(manager, named, ref);
  if (row === null) throw notThere(named.kind, ref);
  return row;
}

/** That there is nothing of a name or an id. */
export function notThere(kind: string, ref: ObjectRef): Fault {
  return new Fault('NOT_FOUND', `There is no ${kind} of that ${typeof ref === 'string' ? 'name' : 'id'}`);
}
