import type { Action, Role } from './actions.ts';

/** A role, and where it holds: names of environments, or `*` for each that there is and will be. */
export interface Assignment {
  readonly role: Role;
  readonly environments: readonly string[];
}

/** Where a call came from, for the record of what it did. */
export interface CallOrigin {
  /** The caller's IP address. */
  readonly address: string;
  readonly requestId: string;
}

/** Who calls the API: a user who signed in, an API key, or this machine's own command line (`local`), or OneCLI itself (`system`). */
export interface Principal {
  readonly kind: 'user' | 'key' | 'local' | 'system';
  readonly name: string;
  readonly assignments: readonly Assignment[];
  /** Of a user, and of the user whose key it is. */
  readonly userId?: string;
  /** Of a key: its id. */
  readonly keyId?: string;
  /** Of a key: what it may do at most, whatever its roles say. */
  readonly limits?: KeyLimits;
  /** The session that the user signed in with. */
  readonly sessionId?: string;
  /** Of a user who gave his password: a digest of the hash that it fitted, by which another password is told from it. */
  readonly passwordMark?: string;
  readonly origin?: CallOrigin;
}

/** What an API key may do at most. What is undefined limits nothing. */
export interface KeyLimits {
  readonly actions: ReadonlySet<Action> | undefined;
  readonly environments: ReadonlySet<string> | undefined;
  /** The user whose key it is, as he is now; undefined for a key of this machine's command line. */
  readonly owner: Principal | undefined;
  /** When the key ends; absent: never. */
  readonly expiresAt?: Date;
}

/** A role in every environment. */
export function everywhere(role: Role): readonly Assignment[] {
  return [{ role, environments: ['*'] }];
}

/** OneCLI itself, at work on what an admin has set up. */
export const systemPrincipal: Principal = { kind: 'system', name: 'onecli', assignments: everywhere('owner') };
