import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { authorize, Refusal } from '../../auth/authorize.ts';
import { insertDone } from '../../auth/events/admin-event-store.ts';
import type { PasswordLogin } from '../../auth/passwords/password-login.ts';
import type { Principal } from '../../auth/principal.ts';
import { keepAdminEvents } from './admin-entries.ts';

export const macKeyForm = z.strictObject({
  password: z
    .string()
    .min(1)
    .max(1024, 'must have at most 1024 characters')
    .meta({ description: 'The caller’s own, once more.' }),
});

interface Sources {
  readonly database: DataSource;
  readonly logins: Pick<PasswordLogin, 'check'>;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
}

/**
 * Gives the key of the workers' chains to whoever verifies an export elsewhere, MACs and all. Who has it can make links that fit, before they
 * are signed: so owners alone get it, with their password, and that they did stands in the trail before the key is told.
 */
export class MacKeyService {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /**
   * 64 hexadecimal digits.
   * @throws Fault FORBIDDEN, also for API keys and the local token; UNAUTHENTICATED for a password that is wrong, TooManyLogins
   */
  async reveal(principal: Principal, { password }: z.infer<typeof macKeyForm>): Promise<{ readonly key: string }> {
    authorize(principal, 'audit:export-key');
    if (principal.kind !== 'user')
      throw new Refusal('audit:export-key', 'Only a user who signed in gets the key: it is given for a password');
    const { database, logins, keyring, macKey } = this.#sources;
    await logins.check(principal.name, password, principal.origin?.address ?? '');
    const act = { action: 'audit:export-key', objectKind: 'audit', objectName: 'audit-mac' };
    await insertDone(database.manager, principal, undefined, [act]);
    while ((await keepAdminEvents(database, keyring, macKey)) > 0);
    return { key: macKey.toString('hex') };
  }
}
