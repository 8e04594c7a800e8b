import type { Role } from './actions.ts';

/** A role, and where it holds: names of environments, or `*` for each that there is and will be. */
export interface Assignment {
  readonly role: Role;
  readonly environments: readonly string[];
}

/** Who calls the API: a user who signed in, or this machine's own command line (`local`). */
export interface Principal {
  readonly kind: 'user' | 'local';
  readonly name: string;
  readonly assignments: readonly Assignment[];
}

/** A role in every environment. */
export function everywhere(role: Role): readonly Assignment[] {
  return [{ role, environments: ['*'] }];
}
