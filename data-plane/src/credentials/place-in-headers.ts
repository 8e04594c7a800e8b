/** Placeholders in header values: in Basic credentials, in cookies, and anywhere in any other field. */
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { Surface } from '@onecli/shared/domain/binding';
import { placeholderMark } from '@onecli/shared/domain/placeholder';
import { isSendableValue } from '../wire/field-syntax.ts';
import type { Header } from '../wire/head.ts';
import { type Grant, type PlacementScope, fillIn, grantAll } from './grant-placeholders.ts';
import type { SecretOpener } from './open-secret.ts';

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
export function inspectHeader(header: Header, index: number, scope: PlacementScope): HeaderSpot | Finding | undefined {
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

/** The header's value with the secrets in it. Throws when one of them cannot stand there. */
export function fillHeader({ text, grants, surface }: HeaderSpot, opener: SecretOpener): string {
  const filled = fillIn(text, grants, opener, (value, grant) => {
    const bytes = asHeaderBytes(value);
    if (!isSendableValue(bytes)) throw new Error(`secret ${grant.secret.name} cannot stand in a header`);
    if (surface === 'cookie' && !isCookieValue(bytes))
      throw new Error(`secret ${grant.secret.name} cannot stand in a cookie`);
    if (surface === 'basic' && bytes.includes(':') && isInUserName(text, grant, grants))
      throw new Error(`secret ${grant.secret.name} has a colon and cannot stand in a user name`);
    return bytes;
  });
  return surface === 'basic' ? `Basic ${Buffer.from(filled, 'latin1').toString('base64')}` : filled;
}

/** Header values are bytes, one character each (latin1): UTF-8 goes in as its bytes. */
export function asHeaderBytes(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** Octets that end no cookie and no value (RFC 6265 4.1.1), and those that are not ASCII. */
export function isCookieValue(bytes: string): boolean {
  return !/[\0-\x20",;\\\x7f]/.test(bytes);
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

/** The user name ends at the first colon (RFC 7617 2), where that is not within a placeholder. */
function isInUserName(text: string, { start, end }: Grant, grants: readonly Grant[]): boolean {
  const isColonIn = (from: number, to: number): boolean => {
    for (let at = text.indexOf(':', from); at !== -1 && at < to; at = text.indexOf(':', at + 1)) {
      if (!grants.some((grant) => grant.start <= at && at < grant.end)) return true;
    }
    return false;
  };
  return !isColonIn(0, start) && isColonIn(end, text.length);
}
