/** The placeholders of a body that may be replaced, where they stand, and how a value is written there. */
import type { Binding, Surface, BodySurface } from '@onecli/shared/domain/binding';
import { type JsonPath, jsonPathCovers, parseJsonPath } from '@onecli/shared/domain/json-path';
import { findPlaceholders, isAliasPrefix } from '@onecli/shared/domain/placeholder';
import { type Grant, grantOne } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import { decodeWithOffsets, percentEncode } from './percent-encoding.ts';
import { decodeJsonString, type JsonString, scanJson } from './scan-json.ts';

/** A placeholder that may be replaced; [start, end) of the raw body in latin1. */
export interface Spot extends Grant {
  readonly write: (value: string) => string;
}

export type Found =
  | { readonly kind: 'found'; readonly spots: readonly Spot[]; readonly hasMention: boolean }
  | Refused
  | { readonly kind: 'unreadable'; readonly detail: string };

type Judged = { readonly kind: 'grants'; readonly grants: readonly Grant[] } | { readonly kind: 'mention' } | Refused;

interface Refused {
  readonly kind: 'refused';
  readonly reason: 'PLACEHOLDER_NOT_BOUND' | 'SECRET_EXPIRED';
}
const notBound: Refused = { kind: 'refused', reason: 'PLACEHOLDER_NOT_BOUND' };
const expired: Refused = { kind: 'refused', reason: 'SECRET_EXPIRED' };

/** In the strings of a JSON text; undefined for what is none. */
export function findJsonSpots(text: string, surface: BodySurface, scope: PlacementScope): Found | undefined {
  const spots: Spot[] = [];
  let hasMention = false;
  let refused: Refused | undefined;
  const scan = scanJson(text, (string) => {
    const raw = text.slice(string.start, string.end);
    const { text: meant, rawAt } = raw.includes('\\') ? decodeJsonString(raw) : { text: raw, rawAt: undefined };
    const judged = judge(meant, string.isName ? undefined : surface, scope, string);
    if (judged.kind === 'mention') hasMention = true;
    else if (judged.kind === 'refused') refused = judged;
    else {
      for (const grant of judged.grants) {
        const start = string.start + (rawAt?.[grant.start] ?? grant.start);
        spots.push({ ...grant, start, end: string.start + (rawAt?.[grant.end] ?? grant.end), write: writeJson });
      }
    }
  });
  if (scan.kind === 'fault') return undefined;
  if (refused) return refused;
  // Which of the two counts is for its reader to say.
  if (spots.length > 0 && scan.hasRepeatedName) return { kind: 'unreadable', detail: 'an object has a member twice' };
  return { kind: 'found', spots, hasMention };
}

/** In the values of a form (application/x-www-form-urlencoded). */
export function findFormSpots(text: string, scope: PlacementScope): Found {
  const spots: Spot[] = [];
  let hasMention = false;
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf('&', from) === -1 ? text.length : text.indexOf('&', from);
    const equals = text.indexOf('=', from);
    const valueAt = equals === -1 || equals >= end ? end : equals + 1;
    for (const [surface, start, stop] of [[undefined, from, valueAt] as const, ['form', valueAt, end] as const]) {
      const { text: meant, rawAt } = decodeWithOffsets(text.slice(start, stop));
      const judged = judge(surface === undefined ? meant.replace(/=$/, '') : meant, surface, scope);
      if (judged.kind === 'refused') return judged;
      if (judged.kind === 'mention') hasMention = true;
      if (judged.kind !== 'grants') continue;
      for (const grant of judged.grants) {
        const at = (offset: number): number => start + (rawAt[offset] ?? stop - start);
        spots.push({ ...grant, start: at(grant.start), end: at(grant.end), write: percentEncode });
      }
    }
    from = end + 1;
  }
  return { kind: 'found', spots, hasMention };
}

/** In a text that is nothing but text. */
export function findTextSpots(text: string, surface: BodySurface, scope: PlacementScope): Found {
  const judged = judge(text, surface, scope);
  if (judged.kind === 'refused') return judged;
  if (judged.kind === 'mention') return { kind: 'found', spots: [], hasMention: true };
  return { kind: 'found', spots: judged.grants.map((grant) => ({ ...grant, write: writeText })), hasMention: false };
}

/** One value: all of its placeholders may be replaced, or none stands there as more than a mention. */
function judge(text: string, surface: Surface | undefined, scope: PlacementScope, json?: JsonString): Judged {
  const placeholders = findPlaceholders(text);
  const grants: Grant[] = [];
  for (const placeholder of placeholders) {
    const grant = grantOne(placeholder, text, grants.at(-1)?.end ?? 0, surface, scope);
    if (grant === 'SECRET_EXPIRED') return expired;
    if (
      typeof grant !== 'string' &&
      (json === undefined || surface !== 'json' || bindsPlace(grant.secret.binding, json))
    )
      grants.push(grant);
  }
  if (grants.length === placeholders.length) return { kind: 'grants', grants };
  if (grants.length > 0) return notBound;
  const [only] = placeholders;
  const isAlone =
    placeholders.length === 1 && only !== undefined && only.end === text.length && startsAt(text, only.start);
  return isAlone ? notBound : { kind: 'mention' };
}

/** Whether nothing but the prefix of an alias is ahead. */
function startsAt(text: string, at: number): boolean {
  return at === 0 || (!text.startsWith('://', at + 6) && isAliasPrefix(text.slice(0, at)));
}

const pathsOf = new WeakMap<Binding, readonly JsonPath[]>();

/** A binding without paths is for every string; a path that does not parse covers none. */
function bindsPlace(binding: Binding, { place }: JsonString): boolean {
  if (binding.jsonPaths === undefined) return true;
  let paths = pathsOf.get(binding);
  if (!paths) {
    paths = binding.jsonPaths.flatMap((text) => {
      const parsed = parseJsonPath(text);
      return parsed.kind === 'path' ? [parsed.path] : [];
    });
    pathsOf.set(binding, paths);
  }
  return paths.some((path) => jsonPathCovers(path, place));
}

function writeJson(value: string): string {
  return writeText(JSON.stringify(value).slice(1, -1));
}

function writeText(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
