import { actions, type Action } from './actions.ts';
import { mayAnywhere, reachOf } from './authorize.ts';
import type { Assignment, Principal } from './principal.ts';

/** A principal as it is shown to itself. */
export interface CallerView {
  readonly kind: Principal['kind'];
  readonly name: string;
  readonly roles: readonly Assignment[];
  readonly owner: string | null;
  /** What it may do in every environment. */
  readonly actions: readonly Action[];
  /** What it may do in one environment at least. */
  readonly actionsSomewhere: readonly Action[];
}

/** What a caller is told of himself. */
export function describeCaller(principal: Principal): CallerView {
  const { kind, name, assignments: roles, limits } = principal;
  const everywhere = actions.filter((action) => reachOf(principal, action) === '*');
  const somewhere = actions.filter((action) => mayAnywhere(principal, action));
  const owner = limits?.owner?.name ?? null;
  return { kind, name, roles, owner, actions: everywhere, actionsSomewhere: somewhere };
}
