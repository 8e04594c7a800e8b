/**
 * Placeholders in the request target, raw or percent-encoded once. A value goes in percent-encoded, so that it adds no
 * separator; a path is read anew afterwards, because policy judges what is forwarded (rule 4).
 */
import type { Surface } from '@onecli/shared/domain/binding';
import { placeholderMark } from '@onecli/shared/domain/placeholder';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import { type Grant, grantAll, type RefusedReason } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import { fillIn } from './fill-in.ts';
import type { SecretOpener } from './open-secret.ts';
import { type Decoded, decodeOnce, decodeWithOffsets, isInName, percentEncode } from './percent-encoding.ts';

/** The placeholders of a target, with offsets in the raw target. */
export interface TargetSpots {
  readonly kind: 'spots';
  readonly grants: readonly Grant[];
  readonly surfaces: readonly Surface[];
}

export interface FilledTarget {
  readonly target: string;
  /** Every way in which the new path may be read, when a value went into the path. */
  readonly readings: readonly string[] | undefined;
}

/** How often a target is decoded in the search for placeholders that somebody behind us may find. */
const maxDecodings = 3;

/** Undefined for a target without placeholders; a reason when it holds one that may not stand there. */
export function inspectTarget(target: string, scope: PlacementScope): TargetSpots | RefusedReason | undefined {
  if (!target.includes('%')) {
    return target.includes(placeholderMark) ? grantTarget(target, decodeWithOffsets(target), scope) : undefined;
  }
  const once = decodeOnce(target);
  const hidden = inspectDeeper(once, scope);
  if (hidden !== undefined) return hidden;
  return once.includes(placeholderMark) ? grantTarget(target, decodeWithOffsets(target), scope) : undefined;
}

/** The target with the secrets in it. Throws when a value makes a path that nobody may send. */
export function fillTarget(target: string, spots: TargetSpots, opener: SecretOpener): FilledTarget {
  const filled = fillIn(target, spots.grants, opener, percentEncode);
  if (!spots.surfaces.includes('path')) return { target: filled, readings: undefined };
  const parsed = parseTarget(filled);
  if (parsed.kind === 'fault') {
    const names = spots.grants.map(({ secret }) => secret.name).join(', ');
    throw new Error(`secret ${names} cannot stand in this path: ${parsed.detail}`);
  }
  return { target: filled, readings: parsed.readings };
}

/** A placeholder that shows only after a second decoding is encoded for somebody else: it is bound nowhere. */
function inspectDeeper(once: string, scope: PlacementScope): RefusedReason | undefined {
  let text = once;
  let known = -1;
  for (let depth = 1; depth < maxDecodings && text.includes('%'); depth++) {
    if (known === -1) known = countStarts(text);
    text = decodeOnce(text);
    if (countStarts(text) <= known) continue;
    const granted = grantAll(text, undefined, scope);
    return granted.kind === 'refused' ? granted.reason : 'PLACEHOLDER_NOT_BOUND';
  }
  return undefined;
}

/** Decoding destroys none of these: more of them means that one was hidden. */
function countStarts(text: string): number {
  return text.match(/onecli(?::\/\/|7x)/g)?.length ?? 0;
}

function grantTarget(
  target: string,
  { text, rawAt }: Decoded,
  scope: PlacementScope,
): TargetSpots | RefusedReason | undefined {
  const queryAt = target.indexOf('?');
  const cut = queryAt === -1 ? text.length : rawAt.indexOf(queryAt);
  const grants: Grant[] = [];
  const surfaces: Surface[] = [];
  for (const [surface, from, to] of [['path', 0, cut] as const, ['query', cut, text.length] as const]) {
    const granted = grantAll(text.slice(from, to), surface, scope);
    if (granted.kind === 'refused') return granted.reason;
    for (const grant of granted.grants) {
      const start = rawAt[from + grant.start] ?? 0;
      if (surface === 'query' && isInName(target, start)) return 'PLACEHOLDER_NOT_BOUND';
      grants.push({ ...grant, start, end: rawAt[from + grant.end] ?? target.length });
    }
    if (granted.grants.length > 0) surfaces.push(surface);
  }
  return grants.length === 0 ? undefined : { kind: 'spots', grants, surfaces };
}
