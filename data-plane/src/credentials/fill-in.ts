/** Values in the place of placeholders that were granted. */
import type { Grant } from '@onecli/shared/domain/grant-placeholders';
import type { SecretOpener } from './open-secret.ts';

/**
 * What the values in one text may take, in characters. A placeholder is short and a value up to 64 KB: without a bound a
 * small request would grow to what no memory holds. One value fits, however it is escaped.
 */
const maxPlaced = 512 * 1024;

/** The values of a text's placeholders take more than may be. */
export class PlacedTooMuch extends Error {}

/** Adds a value that is placed to what the others of its text take. Throws PlacedTooMuch. */
export function countPlaced(before: number, value: string): number {
  const placed = before + value.length;
  if (placed > maxPlaced) throw new PlacedTooMuch(`the secrets of one text take more than ${maxPlaced} bytes`);
  return placed;
}

/** Puts the values in. `write` gives a value as it may stand on its surface, and throws when it cannot. */
export function fillIn(
  text: string,
  grants: readonly Grant[],
  opener: SecretOpener,
  write: (value: string, grant: Grant) => string,
): string {
  let result = '';
  let from = 0;
  let placed = 0;
  for (const grant of grants) {
    const value = write(opener.open(grant.secret, grant.version).reveal(), grant);
    placed = countPlaced(placed, value);
    result += text.slice(from, grant.start) + value;
    from = grant.end;
  }
  return result + text.slice(from);
}
