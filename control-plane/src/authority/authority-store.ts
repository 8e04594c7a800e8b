import type { AuthorityKind } from '@onecli/shared/certificates/sealed-authority';
import { type EntityManager, In } from 'typeorm';
import { aliveWithinSeconds } from '../workers/alive-within.ts';
import { authorityEntities, type AuthorityRow } from './authority.entity.ts';

/**
 * Where an authority is in its life. NEXT: it is trusted, and nothing is signed with it. ACTIVE: it signs. PREVIOUS: it is still
 * trusted, and nothing is signed with it any more. Those who trust are agents, or for client certificates the workers.
 */
export const authorityStates = ['NEXT', 'ACTIVE', 'PREVIOUS'] as const;
export type AuthorityState = (typeof authorityStates)[number];

export function stateOf({ isActive, replacedAt }: AuthorityRow): AuthorityState {
  if (isActive) return 'ACTIVE';
  return replacedAt === null ? 'NEXT' : 'PREVIOUS';
}

/** All authorities of a kind: the active one, the next, and those before, the latest first. */
export async function readAuthorities(manager: EntityManager, kind: AuthorityKind): Promise<AuthorityRow[]> {
  const rows = await manager.find(authorityEntities[kind], { order: { createdAt: 'DESC', id: 'ASC' } });
  const place = (row: AuthorityRow): number => ['ACTIVE', 'NEXT', 'PREVIOUS'].indexOf(stateOf(row));
  return rows.toSorted((one, other) => place(one) - place(other));
}

/** Lets the next authority sign from now on. */
export async function storeActivation(manager: EntityManager, kind: AuthorityKind, next: AuthorityRow): Promise<void> {
  const now = new Date();
  const entity = authorityEntities[kind];
  await manager.update(entity, { isActive: true }, { isActive: false, replacedAt: now });
  await manager.update(entity, { id: next.id }, { isActive: true, activatedAt: now });
}

/** Removes authorities, and their keys with them. */
export async function removeAuthorities(
  manager: EntityManager,
  kind: AuthorityKind,
  rows: readonly AuthorityRow[],
): Promise<void> {
  await manager.delete(authorityEntities[kind], { id: In(rows.map(({ id }) => id)) });
}

/** Names of the live workers that do not hand out or trust an authority, those of a release that does not tell among them. */
export function workersWithout(manager: EntityManager, id: string): Promise<string[]> {
  return workersThat(manager, 'NOT coalesce($2 = ANY (authorities), false)', id);
}

/** Names of the live workers that sign with another authority. */
export function workersNotSigningWith(manager: EntityManager, id: string): Promise<string[]> {
  return workersThat(manager, 'authorities[1] IS DISTINCT FROM $2', id);
}

async function workersThat(manager: EntityManager, condition: string, id: string): Promise<string[]> {
  const rows = await manager.query<{ name: string }[]>(
    `SELECT name FROM worker WHERE seen_at > now() - make_interval(secs => $1) AND ${condition} ORDER BY name`,
    [aliveWithinSeconds, id],
  );
  return rows.map(({ name }) => name);
}
