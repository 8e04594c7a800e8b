/**
 * Placeholders out, credentials in (rule 5). A secret is placed only over TLS (unless its binding says otherwise), to a
 * host and port and on a surface that its binding names, for a rule that grants it. One placeholder that may not be replaced
 * refuses the whole request, so that nothing is ever forwarded half-replaced; every grant is checked before the first
 * secret is opened.
 */
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { Surface } from '@onecli/shared/domain/binding';
import type { Header } from '../wire/head.ts';
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import type { SecretOpener } from './open-secret.ts';
import { type HeaderSpot, inspectHeader } from '@onecli/shared/domain/inspect-header';
import { fillHeader } from './place-in-headers.ts';
import { fillTarget, inspectTarget, type TargetSpots } from './place-in-target.ts';

export type Placement =
  | {
      readonly kind: 'placed';
      readonly headers: readonly Header[];
      readonly target: string;
      /** Every way in which the path may be read, when it is another one now: policy has to judge it again (rule 4). */
      readonly readings: readonly string[] | undefined;
      /** The secrets that leave with the request, each version once, and where. */
      readonly used: readonly UsedSecret[];
      readonly surfaces: readonly Surface[];
    }
  | { readonly kind: 'refused'; readonly finding: Finding }
  /** A header that holds a placeholder is there more than once: which one counts is anybody's guess (rule 6). */
  | { readonly kind: 'ambiguous'; readonly header: string }
  /** More placeholders than a head may have: each takes a few bytes of it, and stands for a secret of any length. */
  | { readonly kind: 'excessive' }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** In the head of one request, its target included. */
const maxPlaceholders = 100;

const nothing = { readings: undefined, used: [], surfaces: [] } as const;

/** Replaces the placeholders of a request's headers and target. */
export function placeCredentials(
  headers: readonly Header[],
  target: string,
  scope: PlacementScope,
  opener: SecretOpener,
): Placement {
  const inTarget = inspectTarget(target, scope);
  if (typeof inTarget === 'string') return { kind: 'refused', finding: { kind: inTarget, place: 'target' } };
  const spots: HeaderSpot[] = [];
  for (let index = 0; index < headers.length; index++) {
    const spot = inspectHeader(headers[index] as Header, index, scope);
    if (spot === undefined) continue;
    if ('kind' in spot) return { kind: 'refused', finding: spot };
    spots.push(spot);
  }
  if (spots.length === 0 && inTarget === undefined) return { kind: 'placed', headers, target, ...nothing };
  const repeated = spots.find(({ name }) => headers.filter((header) => header.name === name).length > 1);
  if (repeated) return { kind: 'ambiguous', header: repeated.name };
  const count = spots.reduce((sum, { grants }) => sum + grants.length, inTarget?.grants.length ?? 0);
  if (count > maxPlaceholders) return { kind: 'excessive' };
  try {
    return fillAll(headers, target, spots, inTarget, opener);
  } catch (cause) {
    return { kind: 'unavailable', cause };
  }
}

function fillAll(
  headers: readonly Header[],
  target: string,
  spots: readonly HeaderSpot[],
  inTarget: TargetSpots | undefined,
  opener: SecretOpener,
): Placement {
  const replaced = headers.slice();
  const used: UsedSecret[] = [];
  const surfaces: Surface[] = [];
  for (const spot of spots) {
    const header = headers[spot.index] as Header;
    replaced[spot.index] = { ...header, value: fillHeader(spot, opener) };
    surfaces.push(spot.surface);
    addUsed(used, spot.grants);
  }
  if (inTarget === undefined) {
    return { kind: 'placed', headers: replaced, target, readings: undefined, used, surfaces };
  }
  const filled = fillTarget(target, inTarget, opener);
  addUsed(used, inTarget.grants);
  surfaces.push(...inTarget.surfaces);
  return { kind: 'placed', headers: replaced, ...filled, used, surfaces };
}

function addUsed(used: UsedSecret[], more: readonly UsedSecret[]): void {
  for (const { secret, version, placeholder } of more) {
    if (!used.some((known) => known.version === version)) used.push({ secret, version, placeholder });
  }
}
