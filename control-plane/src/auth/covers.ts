import { type Action, roleActions, scopeOf } from './actions.ts';
import { reachOf, Refusal } from './authorize.ts';
import type { Assignment, Principal } from './principal.ts';

/**
 * Whether a principal may do all that the assignments would let somebody do. `actions` are the only ones that would be used of
 * them, where they are limited.
 */
export function covers(
  principal: Principal,
  assignments: readonly Assignment[],
  actions?: ReadonlySet<Action>,
): boolean {
  return assignments.every(({ role, environments }) =>
    [...roleActions[role]].every(
      (action) =>
        (actions !== undefined && !actions.has(action)) ||
        environments.every((environment) => holds(principal, action, environment)),
    ),
  );
}

function holds(principal: Principal, action: Action, environment: string): boolean {
  const reach = reachOf(principal, action);
  if (reach === '*') return true;
  if (environment === '*') return false;
  switch (scopeOf(action)) {
    case 'environment':
      return reach.has(environment);
    case 'anywhere':
      return reach.size > 0;
    // In one environment it lets nobody do anything.
    case 'instance':
      return true;
  }
}

/**
 * Nobody gives, or takes hold of, more than he has.
 * @throws Fault FORBIDDEN for `action` when the assignments let somebody do what the principal may not
 */
export function requireCover(principal: Principal, action: Action, assignments: readonly Assignment[]): void {
  if (covers(principal, assignments)) return;
  throw new Refusal(action, 'These roles are more than your own: only somebody who holds them may do that');
}
