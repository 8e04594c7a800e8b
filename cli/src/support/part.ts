import { hideCredentials, hideInText } from '@onecli/shared/hide-credentials';

/** A part of a bundle: a file's text, or why there is none. */
export type Part =
  | { readonly kind: 'text'; readonly name: string; readonly text: string }
  | { readonly kind: 'missing'; readonly name: string; readonly reason: string };

/** What was found, as JSON, without credentials. */
export function found(name: string, content: unknown): Part {
  return { kind: 'text', name, text: `${hideInText(JSON.stringify(hideCredentials(content), null, 2))}\n` };
}

export function missing(name: string, reason: string): Part {
  return { kind: 'missing', name, reason: hideInText(reason) };
}
