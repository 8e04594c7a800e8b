import { environmentOf } from '@onecli/shared/domain/names';
import type { z } from 'zod';
import type { Action } from '../auth/actions.ts';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { secretUpdateInput } from './secret-input.ts';

type SecretUpdate = z.output<typeof secretUpdateInput>;

/** What an update is: a new value is a rotation; everything else, and a change of nothing, an update; what ends versions a deletion too. */
export function actionsOf(update: SecretUpdate): [Action, ...Action[]] {
  const isNewValue = update.value !== undefined || update.generate !== undefined;
  const actions: [Action, ...Action[]] = isNewValue ? ['secret:rotate'] : ['secret:update'];
  if (isNewValue && Object.keys(update).length > 1) actions.push('secret:update');
  // To keep fewer versions destroys the others, now or with the next value.
  if (typeof update.maxVersions === 'number') actions.push('secret:delete');
  return actions;
}

/** @throws Fault FORBIDDEN unless the principal may do all that an update of the secret of a name is */
export function authorizeUpdate(principal: Principal, name: string, update: SecretUpdate): void {
  for (const action of actionsOf(update)) authorize(principal, action, environmentOf(name));
}
