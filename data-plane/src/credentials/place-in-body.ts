/**
 * Placeholders in a whole body. Every string of a JSON text, every value of a form and every
 * text as a whole is one value: all placeholders in it are replaced, or none. What is not replaced is as it is in any other body: refused
 * where it stands as a value, and a mention in running text. See docs/decisions/placeholders-in-bodies.md.
 */
import { isUtf8 } from 'node:buffer';
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { BodySurface } from '@onecli/shared/domain/binding';
import { placeholderMark } from '@onecli/shared/domain/placeholder';
import { type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import { countPlaced, PlacedTooMuch } from './fill-in.ts';
import type { SecretOpener } from './open-secret.ts';
import { findFormSpots, findJsonSpots, findTextSpots, type Found, type Spot } from './find-in-body.ts';
import { BodyWatch } from './watch-body.ts';

export type PlacedBody =
  | {
      readonly kind: 'placed';
      /** The same buffer when nothing was replaced. */
      readonly body: Buffer;
      readonly used: readonly UsedSecret[];
      /** A placeholder stays, quoted in running text: a finding. */
      readonly hasMention: boolean;
    }
  | { readonly kind: 'refused'; readonly finding: Finding }
  /** What it says depends on who reads it. */
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

const mark = Buffer.from(placeholderMark);
const unicodeEscape = Buffer.from('\\u');
const notBound: PlacedBody = { kind: 'refused', finding: { kind: 'PLACEHOLDER_NOT_BOUND', place: 'body' } };

/** Replaces the placeholders of a body on a surface. The bytes are UTF-8; they are not written to. */
export function placeInBody(
  body: Buffer,
  surface: BodySurface,
  scope: PlacementScope,
  opener: SecretOpener,
): PlacedBody {
  if (body.includes(0)) return { kind: 'unreadable', detail: 'it has NUL octets: send UTF-8' };
  if (!mayHold(body, surface)) return { kind: 'placed', body, used: [], hasMention: false };
  const text = body.toString('latin1');
  const found = findIn(body, text, surface, scope);
  if (found.kind !== 'found')
    return found.kind === 'refused' ? { kind: 'refused', finding: { kind: found.reason, place: 'body' } } : found;
  const left = judgeRest(text, found.spots);
  if (left === 'value') return notBound;
  const hasMention = left === 'mention' || found.hasMention;
  if (found.spots.length === 0) return { kind: 'placed', body, used: [], hasMention };
  try {
    return { kind: 'placed', body: fill(text, found.spots, opener), used: usedIn(found.spots), hasMention };
  } catch (cause) {
    if (cause instanceof PlacedTooMuch) return { kind: 'unreadable', detail: cause.message };
    return { kind: 'unavailable', cause };
  }
}

/** Whether there can be a placeholder at all, in any form that its surface has. */
function mayHold(body: Buffer, surface: BodySurface): boolean {
  if (body.includes(mark)) return true;
  return surface === 'form' ? body.includes('%') : body.includes(unicodeEscape);
}

function findIn(body: Buffer, text: string, surface: BodySurface, scope: PlacementScope): Found {
  if (surface === 'form') return findFormSpots(text, scope);
  const json = isUtf8(body) ? findJsonSpots(text, surface, scope) : undefined;
  if (json !== undefined) return json;
  if (surface === 'json') return { kind: 'unreadable', detail: 'it is not JSON in UTF-8 (RFC 8259)' };
  return findTextSpots(text, surface, scope);
}

/** What a body without surfaces would be refused for, in all that is not replaced. */
function judgeRest(text: string, spots: readonly Spot[]): 'clean' | 'mention' | 'value' {
  let rest = '';
  let from = 0;
  for (const { start, end } of spots) {
    rest += `${text.slice(from, start)}*`;
    from = end;
  }
  const watch = new BodyWatch();
  const verdicts = [watch.push(Buffer.from(rest + text.slice(from), 'latin1')), watch.end()];
  return verdicts.includes('value') ? 'value' : verdicts.includes('mention') ? 'mention' : 'clean';
}

function fill(text: string, spots: readonly Spot[], opener: SecretOpener): Buffer {
  let result = '';
  let from = 0;
  let placed = 0;
  for (const { start, end, secret, version, write } of spots) {
    const value = write(opener.open(secret, version).reveal());
    placed = countPlaced(placed, value);
    result += text.slice(from, start) + value;
    from = end;
  }
  return Buffer.from(result + text.slice(from), 'latin1');
}

function usedIn(spots: readonly Spot[]): UsedSecret[] {
  const used = new Map(spots.map(({ secret, version, placeholder }) => [version, { secret, version, placeholder }]));
  return [...used.values()];
}
