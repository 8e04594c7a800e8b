import type { AuthoritiesQuery } from '../../gql/graphql.ts';

type Authority = AuthoritiesQuery['authorities']['authorities'][number];
export type Held = Pick<Authority, 'holders' | 'holderCount' | 'unrecordedUntil'>;

/** Somebody has, or may have, a certificate by it that is refused when it is retired. */
export function isHeld({ holderCount, unrecordedUntil }: Held): boolean {
  return holderCount > 0 || unrecordedUntil !== null;
}

/** How many agents have certificates by it. The API names those without a newer one first, and not all where they are many. */
export function heldText({ holders, holderCount }: Held): string {
  if (holderCount === 0) return 'no agent that is known';
  const behind = holders.filter(({ isRenewed }) => !isRenewed).length;
  const agents = `${holderCount} ${holderCount === 1 ? 'agent' : 'agents'}`;
  if (behind === 0) return `${agents}, each with a newer certificate too`;
  const isCut = behind === holders.length && holders.length < holderCount;
  return `${agents}, ${isCut ? `at least ${behind}` : behind} without a newer certificate`;
}
