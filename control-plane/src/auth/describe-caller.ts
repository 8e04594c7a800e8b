import { actions, type Action } from './actions.ts';
import { reachOf } from './authorize.ts';
import type { Assignment, Principal } from './principal.ts';

/** A principal as it is shown to itself. */
export interface CallerView {
  readonly kind: Principal['kind'];
  readonly name: string;
  readonly roles: readonly Assignment[];
  readonly owner: string | null;
  /** What it may do in every environment. */
  readonly actions: readonly Action[];
}

/** What a caller is told of himself. */
export function describeCaller(principal: Principal): CallerView {
  const { kind, name, assignments: roles, limits } = principal;
  const everywhere = actions.filter((action) => reachOf(principal, action) === '*');
  return { kind, name, roles, owner: limits?.owner?.name ?? null, actions: everywhere };
}
