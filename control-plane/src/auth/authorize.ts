import { Fault } from '@onecli/shared/fault';
import { type Action, roleActions } from './actions.ts';
import type { Principal } from './principal.ts';

/**
 * Lets a principal's action through or refuses it. `environment` is the first segment of a secret's name, for the actions
 * that belong to one; the built-in roles hold in every environment.
 * @throws Fault FORBIDDEN, naming the action
 */
export function authorize(principal: Principal, action: Action, environment?: string): void {
  const { role } = principal;
  if (Object.hasOwn(roleActions, role) && roleActions[role].has(action)) return;
  const place = environment === undefined ? '' : ` in ${environment}`;
  throw new Fault('FORBIDDEN', `The role ${role} may not ${action}${place}`);
}
