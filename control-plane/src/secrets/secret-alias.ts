import { randomInt } from 'node:crypto';
import { aliasAlphabet, aliasIdLength, aliasOf, splitAlias } from '@onecli/shared/domain/placeholder';

/** A new alias with a prefix of the admin's choice and 166 random bits. */
export function newAlias(prefix: string): string {
  const id = Array.from({ length: aliasIdLength }, () => aliasAlphabet.charAt(randomInt(aliasAlphabet.length)));
  return aliasOf(prefix, id.join(''));
}

/** The alias after an update: the one that is there stays when it has the prefix that is asked for. */
export function aliasAfter(
  before: string | null,
  wanted: { readonly prefix: string } | null | undefined,
): string | null {
  if (wanted === undefined) return before;
  if (wanted === null) return null;
  return before !== null && splitAlias(before).prefix === wanted.prefix ? before : newAlias(wanted.prefix);
}
