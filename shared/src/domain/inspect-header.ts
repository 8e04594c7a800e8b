/** Where placeholders stand in a header: in its Basic credentials, in a cookie, or anywhere in any other field. */
import type { Finding } from './audit-event.ts';
import type { Surface } from './binding.ts';
import { type Grant, type GrantScope, grantAll } from './grant-placeholders.ts';
import { placeholderMark } from './placeholder.ts';

/** One header in which placeholders stand. `text` is its value, or what its Basic credentials decode to. */
export interface HeaderSpot {
  readonly index: number;
  readonly name: string;
  readonly surface: Surface;
  readonly text: string;
  readonly grants: readonly Grant[];
}

const basicCredentials = /^basic +([A-Za-z0-9+/_=-]+)$/i;

/** Undefined for a header without placeholders, a finding for one that holds one which may not stand there. */
export function inspectHeader(
  header: { readonly name: string; readonly value: string },
  index: number,
  scope: GrantScope,
): HeaderSpot | Finding | undefined {
  const { name, value } = header;
  const surface: Surface =
    name === 'authorization' && basicCredentials.test(value) ? 'basic' : name === 'cookie' ? 'cookie' : 'header';
  const text = surface === 'basic' ? decodeBasic(value) : value;
  if (!text.includes(placeholderMark)) return undefined;
  const granted = grantAll(text, surface, scope);
  if (granted.kind === 'refused') return { kind: granted.reason, place: name };
  const { grants } = granted;
  if (grants.length === 0) return undefined;
  if (surface === 'cookie' && grants.some(({ start }) => isInCookieName(text, start)))
    return { kind: 'PLACEHOLDER_NOT_BOUND', place: name };
  return { index, name, surface, text, grants };
}

/** The bytes as they are, one character each: what is not replaced goes on unchanged, in whatever charset it is. */
function decodeBasic(value: string): string {
  return Buffer.from(basicCredentials.exec(value)?.[1] ?? '', 'base64').toString('latin1');
}

/** Ahead of the equals sign of its cookie: a value that has one there would move it. */
function isInCookieName(text: string, at: number): boolean {
  const pairStart = text.lastIndexOf(';', at) + 1;
  const equals = text.indexOf('=', pairStart);
  return equals === -1 || equals > at;
}
