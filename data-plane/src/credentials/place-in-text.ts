/** Placeholders in the text messages of a WebSocket, where a binding names that surface (rule 5). */
import { grantAll, isBound, type RefusedReason, type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import { fillIn } from './fill-in.ts';
import type { SecretOpener } from './open-secret.ts';

export type PlacedText =
  /** `used` are the secrets that leave with the text. None: the text is as it was. */
  | { readonly kind: 'placed'; readonly text: string; readonly used: readonly UsedSecret[] }
  /** One of the placeholders may not be replaced, so none is. */
  | { readonly kind: 'refused'; readonly reason: RefusedReason }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** Replaces all placeholders of a message, or none. In JSON a value is written as it may stand in a JSON string. */
export function placeInText(text: string, scope: PlacementScope, opener: SecretOpener): PlacedText {
  const granted = grantAll(text, 'websocket', scope);
  if (granted.kind === 'refused') return granted;
  const { grants } = granted;
  if (grants.length === 0) return { kind: 'placed', text, used: [] };
  const isJson = /^\s*[[{"]/.test(text);
  try {
    const filled = fillIn(text, grants, opener, (value) => (isJson ? JSON.stringify(value).slice(1, -1) : value));
    return { kind: 'placed', text: filled, used: grants };
  } catch (cause) {
    return { kind: 'unavailable', cause };
  }
}

/** Whether any of the secrets that are granted may stand in a text message here. */
export function isTextBound(scope: PlacementScope): boolean {
  for (const name of scope.grants) {
    const secret = scope.configuration.secret(name);
    if (secret && isBound(secret.binding, 'websocket', scope)) return true;
  }
  return false;
}
