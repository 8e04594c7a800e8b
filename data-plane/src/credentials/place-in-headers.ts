/** Values in headers, in the place of the placeholders that stand there. */
import type { Grant } from '@onecli/shared/domain/grant-placeholders';
import type { HeaderSpot } from '@onecli/shared/domain/inspect-header';
import { isSendableValue } from '../wire/field-syntax.ts';
import { fillIn } from './fill-in.ts';
import type { SecretOpener } from './open-secret.ts';

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
