import { Command } from '../../ui/command.tsx';
import { TimeText } from '../../ui/time-text.tsx';

/** By what a user sets his password. */
export interface PasswordLinkProps {
  readonly name: string;
  readonly token: string;
  readonly expiresAt: string | null;
  /** Where the page for it is. */
  readonly pageUrl: string;
}

/** What a new user is to be given. Nothing tells it again. */
export function PasswordLink({ name, token, expiresAt, pageUrl }: PasswordLinkProps) {
  return (
    <section className="panel stack" aria-label={`Invitation of ${name}`}>
      <div className="note good" role="status">
        <strong>The invitation of {name}, shown this once.</strong> Give both to nobody else: with them a password is
        set, once
        {expiresAt !== null && (
          <>
            , until <TimeText at={expiresAt} />
          </>
        )}
        .
      </div>
      <Command label="Page to open" text={pageUrl} />
      <Command label="Invitation code" text={token} />
    </section>
  );
}
