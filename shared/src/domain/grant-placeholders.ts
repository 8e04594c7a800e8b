/**
 * May these placeholders be replaced here, and by what (rule 5)? One that may not be replaced refuses the text that it
 * stands in; every grant is checked before the first secret is opened.
 */
import { type Binding, bindsSurface, type Surface } from './binding.ts';
import { type HostPattern, hostPatternCovers, parseHostPattern } from './host-pattern.ts';
import { findPlaceholders, type Placeholder } from './placeholder.ts';
import type { SealedVersion, SecretRecord } from './snapshot.ts';

/** The secrets that there are. */
export interface KnownSecrets {
  secret(name: string): SecretRecord | undefined;
  /** The secret whose alias has this id, and the alias's prefix. */
  alias(
    id: string,
  ): { readonly secret: SecretRecord; readonly prefix: string; readonly untilMs?: number | undefined } | undefined;
}

/** Where a request goes and what its rule grants. */
export interface GrantScope {
  readonly configuration: KnownSecrets;
  readonly grants: ReadonlySet<string>;
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

/** A secret's version that leaves with a request. */
export interface UsedSecret {
  readonly secret: SecretRecord;
  readonly version: SealedVersion;
  /** As the agent wrote it. */
  readonly placeholder: string;
}

/** One placeholder that may be replaced, and by what; it is [start, end) of the text that was searched. */
export interface Grant extends UsedSecret {
  readonly start: number;
  readonly end: number;
}

export type RefusedReason = 'PLACEHOLDER_NOT_GRANTED' | 'PLACEHOLDER_NOT_BOUND' | 'SECRET_EXPIRED';

export type Granted =
  | { readonly kind: 'granted'; readonly grants: readonly Grant[] }
  | { readonly kind: 'refused'; readonly reason: RefusedReason };

const none: Granted = { kind: 'granted', grants: [] };

/** The grants of all placeholders in a text. A `surface` of undefined is a place where nothing is ever bound. */
export function grantAll(text: string, surface: Surface | undefined, scope: GrantScope): Granted {
  const placeholders = findPlaceholders(text);
  if (placeholders.length === 0) return none;
  const grants: Grant[] = [];
  let from = 0;
  for (const placeholder of placeholders) {
    const found = grantOne(placeholder, text, from, surface, scope);
    if (typeof found === 'string') return { kind: 'refused', reason: found };
    grants.push(found);
    from = found.end;
  }
  return { kind: 'granted', grants };
}

/** The grant of one placeholder. It must not begin ahead of `from`, where the one before it ended. */
export function grantOne(
  placeholder: Placeholder,
  text: string,
  from: number,
  surface: Surface | undefined,
  scope: GrantScope,
): Grant | RefusedReason {
  const found = secretOf(placeholder, text, scope);
  if (found === undefined || found.start < from) return 'PLACEHOLDER_NOT_GRANTED';
  if (surface === undefined || !isBound(found.secret.binding, surface, scope)) return 'PLACEHOLDER_NOT_BOUND';
  return hasExpired(found.secret) ? 'SECRET_EXPIRED' : found;
}

/**
 * The secret that a placeholder names. One that does not exist, is not granted, disabled, or pinned to a version that
 * is not there gives the same answer, so that an agent cannot learn which secrets exist.
 */
function secretOf(placeholder: Placeholder, text: string, scope: GrantScope): Grant | undefined {
  const { name, aliasId, end } = placeholder;
  let { start } = placeholder;
  let secret: SecretRecord | undefined;
  if (name !== undefined) {
    secret = scope.grants.has(name) ? scope.configuration.secret(name) : undefined;
  } else if (aliasId !== undefined) {
    const known = scope.configuration.alias(aliasId);
    if (known === undefined || isOver(known.untilMs) || !scope.grants.has(known.secret.name)) return undefined;
    start -= known.prefix.length;
    if (start < 0 || !text.startsWith(known.prefix, start)) return undefined;
    secret = known.secret;
  }
  const version = secret?.versions.get(placeholder.version ?? secret.currentVersion);
  return !secret || secret.isDisabled || !version
    ? undefined
    : { secret, version, placeholder: text.slice(start, end), start, end };
}

/** Whether a secret is past its time, by this worker's own clock: also when nothing can tell it anything. */
export function hasExpired({ expiresAtMs }: SecretRecord): boolean {
  return isOver(expiresAtMs);
}

function isOver(untilMs: number | undefined): boolean {
  return untilMs !== undefined && untilMs <= Date.now();
}

/** Whether a binding lets its secret leave on a surface of this request. */
export function isBound(binding: Binding, surface: Surface, scope: GrantScope): boolean {
  return bindsSurface(binding, surface) && bindingCovers(binding, scope);
}

const patternsOf = new WeakMap<Binding, readonly HostPattern[]>();
const securePorts = [443];
const cleartextPorts = [80];

/**
 * A binding without a port is for the port of the scheme: 443, and 80 where it lets its secret leave without TLS. A
 * pattern that does not parse covers nothing.
 */
export function bindingCovers(binding: Binding, { host, port, isSecure }: GrantScope): boolean {
  if (!isSecure && binding.allowCleartext !== true) return false;
  let patterns = patternsOf.get(binding);
  if (!patterns) {
    patterns = binding.hosts.flatMap((text) => {
      const parsed = parseHostPattern(text);
      return parsed.kind === 'pattern' ? [parsed.pattern] : [];
    });
    patternsOf.set(binding, patterns);
  }
  const ports = isSecure ? securePorts : cleartextPorts;
  return patterns.some((pattern) => hostPatternCovers(pattern, host, port, ports));
}
