import { Fault } from '@onecli/shared/fault';
import { type Action, roleActions, scopeOf } from './actions.ts';
import type { Assignment, Principal } from './principal.ts';

/** A refused action. */
export class Refusal extends Fault {
  readonly action: Action;

  constructor(action: Action, message: string) {
    super('FORBIDDEN', message);
    this.action = action;
  }
}

/** Where a principal may do something: in every environment, in some, or nowhere. */
export type Reach = '*' | ReadonlySet<string>;

/** The environments in which a principal may do something. */
export function reachOf(principal: Principal, action: Action): Reach {
  const reach = reachOfRoles(principal.assignments, action);
  const { limits } = principal;
  if (limits === undefined) return reach;
  if (limits.actions !== undefined && !limits.actions.has(action)) return nowhere;
  const owned = limits.owner === undefined ? '*' : reachOf(limits.owner, action);
  return within(within(reach, limits.environments ?? '*'), owned);
}

const nowhere: Reach = new Set();

function reachOfRoles(assignments: readonly Assignment[], action: Action): Reach {
  const reach = new Set<string>();
  for (const assignment of assignments) {
    if (!gives(assignment, action)) continue;
    for (const environment of assignment.environments) reach.add(environment);
  }
  return reach.has('*') ? '*' : reach;
}

function within(one: Reach, other: Reach): Reach {
  if (one === '*') return other;
  if (other === '*') return one;
  return new Set([...one].filter((environment) => other.has(environment)));
}

/** Whether a principal may do something in an environment, or without one where the action asks for none. */
export function may(principal: Principal, action: Action, environment?: string): boolean {
  const reach = reachOf(principal, action);
  if (reach === '*') return true;
  switch (scopeOf(action)) {
    case 'instance':
      return false;
    case 'anywhere':
      return reach.size > 0;
    case 'environment':
      return environment !== undefined && reach.has(environment);
  }
}

/** Whether there is an environment in which a principal may do something. */
export function mayAnywhere(principal: Principal, action: Action): boolean {
  const reach = reachOf(principal, action);
  return reach === '*' || (scopeOf(action) !== 'instance' && reach.size > 0);
}

/**
 * Lets a principal's action through or refuses it. `environment` is the first segment of a secret's name, for the actions
 * that belong to one; without it such an action needs the role in every environment.
 * @throws Fault FORBIDDEN, naming the action
 */
export function authorize(principal: Principal, action: Action, environment?: string): void {
  if (may(principal, action, environment)) return;
  throw refusal(principal, action, environment);
}

/**
 * Refuses who may take none of the actions, before it is known which of them a write is: the one that it is then is
 * authorized by itself. @throws Fault FORBIDDEN, naming the first
 */
export function authorizeEither(
  principal: Principal,
  actions: readonly [Action, ...Action[]],
  environment?: string,
): void {
  if (!actions.some((action) => may(principal, action, environment))) authorize(principal, actions[0], environment);
}

/** Refuses a principal that may do none of the actions anywhere; where, is judged when it is known. @throws Fault FORBIDDEN */
export function authorizeSomewhere(principal: Principal, actions: readonly [Action, ...Action[]]): void {
  const isSome = actions.some((action) => {
    const reach = reachOf(principal, action);
    return reach === '*' || reach.size > 0;
  });
  if (!isSome) throw refusal(principal, actions[0]);
}

/**
 * As `authorize`, for what touches several environments: each has to be in reach. `*` among them stands for what belongs to
 * every environment. @throws Fault FORBIDDEN
 */
export function authorizeEach(principal: Principal, action: Action, environments: Iterable<string>): void {
  for (const environment of environments) {
    if (environment !== '*') authorize(principal, action, environment);
    else if (!may(principal, action)) throw refusal(principal, action, 'every environment, to which this belongs');
  }
}

/**
 * Where a list may be read: it is filtered by this. @throws Fault FORBIDDEN for a principal that may read it nowhere
 */
export function authorizeList(principal: Principal, action: Action): Reach {
  const reach = reachOf(principal, action);
  if (reach !== '*' && reach.size === 0) throw refusal(principal, action);
  return reach;
}

function gives({ role }: Assignment, action: Action): boolean {
  return Object.hasOwn(roleActions, role) && roleActions[role].has(action);
}

function refusal(principal: Principal, action: Action, environment?: string): Refusal {
  const names = [...new Set(principal.assignments.map(({ role }) => role))].join(', ') || 'none';
  const who = principal.kind === 'key' ? 'This key' : `The role ${names}`;
  const place = environment === undefined ? '' : ` in ${environment}`;
  return new Refusal(action, `${who} may not ${action}${place}`);
}
