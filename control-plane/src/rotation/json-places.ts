import { type Binding } from '@onecli/shared/domain/binding';
import { jsonPathCovers, parseJsonPath } from '@onecli/shared/domain/json-path';
import { randomBytes } from 'node:crypto';

/** A part of a text. */
export interface Spot {
  readonly start: number;
  readonly end: number;
}

type Place = readonly (string | number)[];

/**
 * Whether all spots of a JSON text are at places that a binding names, as a worker asks it of what it replaces. A spot is found
 * again by a mark that stands in its place: what a parser passes over, such as the first of two members of one name, is at none.
 */
export function areAtBoundPlaces({ jsonPaths }: Binding, text: string, spots: readonly Spot[]): boolean {
  if (jsonPaths === undefined) return true;
  const paths = jsonPaths.map(parseJsonPath).flatMap((parsed) => (parsed.kind === 'path' ? [parsed.path] : []));
  const mark = randomBytes(16).toString('hex');
  const left = new Set(spots.map((_, index) => `<${mark}.${index}>`));
  for (const [place, value] of stringsOf(parsed(marked(text, spots, mark)))) {
    if (!value.includes(mark) || !paths.some((path) => jsonPathCovers(path, place))) continue;
    for (const each of left) if (value.includes(each)) left.delete(each);
  }
  return left.size === 0;
}

function marked(text: string, spots: readonly Spot[], mark: string): string {
  let [marks, from] = ['', 0];
  for (const [index, { start, end }] of spots.entries()) {
    marks += `${text.slice(from, start)}<${mark}.${index}>`;
    from = end;
  }
  return marks + text.slice(from);
}

/** Undefined for what is no JSON: nothing in it is at any place. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each string in a value, with the names and indexes that lead to it. */
function* stringsOf(value: unknown): Iterable<[Place, string]> {
  const left: [Place, unknown][] = [[[], value]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [place, inner] = next;
    if (typeof inner === 'string') yield [place, inner];
    else if (Array.isArray(inner)) inner.forEach((each, index) => left.push([[...place, index], each]));
    else if (typeof inner === 'object' && inner !== null)
      for (const [name, each] of Object.entries(inner)) left.push([[...place, name], each]);
  }
}
