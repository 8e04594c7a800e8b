/**
 * Placeholders out, credentials in (rule 5). A secret is placed only over TLS, to a host and port and on a surface that
 * its binding names, for a rule that grants it. One placeholder that may not be replaced refuses the whole request, so
 * that nothing is ever forwarded half-replaced; every grant is checked before the first secret is opened.
 */
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { Binding, Surface } from '@onecli/shared/domain/binding';
import { type HostPattern, hostPatternCovers, parseHostPattern } from '@onecli/shared/domain/host-pattern';
import { findPlaceholders, type Placeholder, placeholderScheme } from '@onecli/shared/domain/placeholder';
import type { SealedVersion, SecretRecord } from '@onecli/shared/domain/snapshot';
import type { Configuration } from '../snapshot/configuration.ts';
import { isSendableValue } from '../wire/field-syntax.ts';
import type { Header } from '../wire/head.ts';
import type { SecretOpener } from './open-secret.ts';

/** Where a request goes and what its rule grants. */
export interface PlacementScope {
  readonly configuration: Configuration;
  readonly grants: ReadonlySet<string>;
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

export type Placement =
  | {
      readonly kind: 'placed';
      readonly headers: readonly Header[];
      readonly secrets: readonly string[];
      readonly surfaces: readonly Surface[];
    }
  | { readonly kind: 'refused'; readonly finding: Finding }
  /** A header that holds a placeholder is there more than once: which one counts is anybody's guess (rule 6). */
  | { readonly kind: 'ambiguous'; readonly header: string }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** One placeholder that may be replaced, and by what. */
interface Grant {
  readonly placeholder: Placeholder;
  readonly secret: SecretRecord;
  readonly version: SealedVersion;
}

/** One header in which placeholders stand. `text` is its value, or what its Basic credentials decode to. */
interface Spot {
  readonly index: number;
  readonly name: string;
  readonly surface: Surface;
  readonly text: string;
  readonly grants: readonly Grant[];
}

const nothing = { secrets: [], surfaces: [] } as const;
const basicCredentials = /^basic +([A-Za-z0-9+/_=-]+)$/i;

/** Replaces the placeholders of a request's headers. `target` is searched as well: nothing may stand there. */
export function placeCredentials(
  headers: readonly Header[],
  target: string,
  scope: PlacementScope,
  opener: SecretOpener,
): Placement {
  const inTarget = findInTarget(target);
  if (inTarget) {
    const access = authorizePlaceholder(inTarget, undefined, scope);
    return {
      kind: 'refused',
      finding: { kind: access.kind === 'refused' ? access.reason : 'PLACEHOLDER_NOT_BOUND', place: 'target' },
    };
  }
  const spots: Spot[] = [];
  for (let index = 0; index < headers.length; index++) {
    const spot = inspectHeader(headers[index] as Header, index, scope);
    if (spot === undefined) continue;
    if ('kind' in spot) return { kind: 'refused', finding: spot };
    spots.push(spot);
  }
  if (spots.length === 0) return { kind: 'placed', headers, ...nothing };
  const repeated = spots.find(({ name }) => headers.filter((header) => header.name === name).length > 1);
  if (repeated) return { kind: 'ambiguous', header: repeated.name };
  try {
    return replaceAll(headers, spots, opener);
  } catch (cause) {
    return { kind: 'unavailable', cause };
  }
}

/** Undefined for a header without placeholders, a finding for one that may not stand there. */
function inspectHeader(header: Header, index: number, scope: PlacementScope): Spot | Finding | undefined {
  const surface: Surface = header.name === 'authorization' && basicCredentials.test(header.value) ? 'basic' : 'header';
  const text = surface === 'basic' ? decodeBasic(header.value) : header.value;
  if (!text.includes(placeholderScheme)) return undefined;
  const grants: Grant[] = [];
  for (const placeholder of findPlaceholders(text)) {
    const access = authorizePlaceholder(placeholder, surface, scope);
    if (access.kind === 'refused') return { kind: access.reason, place: header.name };
    grants.push(access.grant);
  }
  return { index, name: header.name, surface, text, grants };
}

/**
 * May this placeholder be replaced here? One that does not exist, is not granted, disabled, or pinned to a version that
 * is not there gives the same answer, so that an agent cannot learn which secrets exist.
 */
function authorizePlaceholder(
  placeholder: Placeholder,
  surface: Surface | undefined,
  scope: PlacementScope,
):
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'refused'; readonly reason: Finding['kind'] } {
  const secret =
    placeholder.name === undefined || !scope.grants.has(placeholder.name)
      ? undefined
      : scope.configuration.secret(placeholder.name);
  const version = secret?.versions.get(placeholder.version ?? secret.currentVersion);
  if (!secret || secret.isDisabled || !version) return { kind: 'refused', reason: 'PLACEHOLDER_NOT_GRANTED' };
  const isBound =
    scope.isSecure &&
    surface !== undefined &&
    secret.binding.surfaces.includes(surface) &&
    bindingCovers(secret.binding, scope.host, scope.port);
  return isBound
    ? { kind: 'granted', grant: { placeholder, secret, version } }
    : { kind: 'refused', reason: 'PLACEHOLDER_NOT_BOUND' };
}

function replaceAll(headers: readonly Header[], spots: readonly Spot[], opener: SecretOpener): Placement {
  const replaced = headers.slice();
  const secrets = new Set<string>();
  const surfaces: Surface[] = [];
  for (const spot of spots) {
    const header = headers[spot.index] as Header;
    const value = replaceIn(spot, opener);
    replaced[spot.index] = { ...header, value };
    surfaces.push(spot.surface);
    for (const { secret, version } of spot.grants) secrets.add(`${secret.name}@${version.version}`);
  }
  return { kind: 'placed', headers: replaced, secrets: [...secrets], surfaces };
}

function replaceIn({ text, grants, surface }: Spot, opener: SecretOpener): string {
  let result = '';
  let from = 0;
  for (const { placeholder, secret, version } of grants) {
    const value = opener.open(secret, version).reveal();
    if (!isSendableValue(asHeaderBytes(value))) throw new Error(`secret ${secret.name} cannot stand in a header`);
    result += text.slice(from, placeholder.start) + asHeaderBytes(value);
    from = placeholder.end;
  }
  result += text.slice(from);
  return surface === 'basic' ? `Basic ${Buffer.from(result, 'latin1').toString('base64')}` : result;
}

/** Header values are bytes, one character each (latin1): UTF-8 goes in as its bytes. */
function asHeaderBytes(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** The bytes as they are, one character each: what is not replaced goes on unchanged, in whatever charset it is. */
function decodeBasic(value: string): string {
  return Buffer.from(basicCredentials.exec(value)?.[1] ?? '', 'base64').toString('latin1');
}

/** A placeholder in a request target, raw or percent-encoded, to any depth that an upstream may decode. */
function findInTarget(target: string): Placeholder | undefined {
  let text = target;
  for (let depth = 0; depth < 3; depth++) {
    const [found] = findPlaceholders(text);
    if (found) return found;
    if (!text.includes('%')) return undefined;
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  return undefined;
}

const patternsOf = new WeakMap<Binding, readonly HostPattern[]>();

/** A binding without a port is for HTTPS: 443. One that does not parse covers nothing. */
function bindingCovers(binding: Binding, host: string, port: number): boolean {
  let patterns = patternsOf.get(binding);
  if (!patterns) {
    patterns = binding.hosts.flatMap((text) => {
      const parsed = parseHostPattern(text);
      return parsed.kind === 'pattern' ? [parsed.pattern] : [];
    });
    patternsOf.set(binding, patterns);
  }
  return patterns.some((pattern) => hostPatternCovers(pattern, host, port));
}
