import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import type { ReactNode } from 'react';

/** Something went wrong; says what to do. Screen readers say it at once. */
export function Problem({ children }: { readonly children: ReactNode }) {
  return (
    <div role="alert" className="problem">
      {children}
    </div>
  );
}

/** The text of a failed call, for a person: what happened, and the hint of the API. */
export function problemText(error: unknown): string {
  if (CombinedGraphQLErrors.is(error)) {
    const [first] = error.errors;
    const hint = first?.extensions?.['hint'];
    return [first?.message, typeof hint === 'string' ? hint : undefined].filter(Boolean).join('. ');
  }
  if (ServerError.is(error)) return `The control plane answered ${error.statusCode}. ${messageIn(error.bodyText)}`;
  return 'The control plane does not answer. Is it running? What you see may be old.';
}

function messageIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string; hint?: string } };
    return [error?.message, error?.hint].filter(Boolean).join('. ');
  } catch {
    return '';
  }
}

export interface WriteError {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
}

/** What a refused write says, with the fields. */
export function writeErrorText(errors: readonly WriteError[]): string {
  return errors.map(({ field, message }) => (field === null ? message : `${field}: ${message}`)).join('; ');
}
