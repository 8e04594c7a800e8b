import { invalidField } from '../../configuration/parse-input.ts';
import type { WriteOptions } from '../../configuration/written.ts';
import type { RestRoute } from './rest-route.ts';

/** The entity tag of an object of the configuration: the revision that last wrote it. When it was last used is no change of it. */
export function entityTagOf(object: unknown): string {
  return `"${String((object as { readonly revision: number }).revision)}"`;
}

/**
 * What an `If-Match` asks of a write: a list of entity tags, or `*`. A tag that is none of ours, as a weak one, matches nothing.
 * @throws Fault INVALID where it would be ignored: whoever sends it counts on it
 */
export function conditionsOf({ isConditional, method }: RestRoute, ifMatch: string | undefined): WriteOptions {
  if (ifMatch === undefined || method === 'get') return {};
  if (!isConditional) throw invalidField('If-Match', 'is not taken by this path');
  if (ifMatch.trim() === '*') return { ifMatch: '*' };
  const tags = ifMatch.split(',').map((tag) => /^"([0-9]{1,15})"$/.exec(tag.trim())?.[1]);
  return { ifMatch: new Set(tags.flatMap((tag) => (tag === undefined ? [] : [Number(tag)]))) };
}
