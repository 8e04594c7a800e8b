import type { Role } from './actions.ts';

/** Who calls the API: a user who signed in, or this machine's own command line (`local`). */
export interface Principal {
  readonly kind: 'user' | 'local';
  readonly name: string;
  readonly role: Role;
}
