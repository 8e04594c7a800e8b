/**
 * A JSON path (after RFC 9535, its singular and wildcard selectors): `$`, then `.name`, `['any name']`, `[3]`, `.*` and
 * `[*]`. `$.items[*].token` covers the member `token` of each element of `items`.
 */
export interface JsonPath {
  readonly steps: readonly JsonStep[];
}

/** A member's name, an element's index, or any of either. */
export type JsonStep = string | number | typeof anyStep;
export const anyStep: unique symbol = Symbol('any');

export type ParsedJsonPath =
  | { readonly kind: 'path'; readonly path: JsonPath }
  | { readonly kind: 'invalid'; readonly problem: string };

const maxLength = 256;
const step = /\.([A-Za-z_][A-Za-z0-9_-]*|\*)|\[(\*|0|[1-9][0-9]{0,8}|'[^'\\]*'|"[^"\\]*")\]/y;

/** Parses a JSON path as an admin writes it. */
export function parseJsonPath(text: string): ParsedJsonPath {
  if (text.length > maxLength) return { kind: 'invalid', problem: `must be at most ${maxLength} characters` };
  if (!text.startsWith('$')) return { kind: 'invalid', problem: 'must start with `$`' };
  const steps: JsonStep[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (!match) return { kind: 'invalid', problem: "must be made of `.name`, `['name']`, `[3]`, `.*` and `[*]`" };
    steps.push(stepOf(match[1], match[2]));
  }
  return { kind: 'path', path: { steps } };
}

function stepOf(name: string | undefined, bracketed = ''): JsonStep {
  if (name !== undefined) return name === '*' ? anyStep : name;
  if (bracketed === '*') return anyStep;
  return /^['"]/.test(bracketed) ? bracketed.slice(1, -1) : Number(bracketed);
}

/** Whether a path covers a place, given as the names and indexes that lead to it. */
export function jsonPathCovers({ steps }: JsonPath, place: readonly (string | number)[]): boolean {
  return steps.length === place.length && steps.every((step, at) => step === anyStep || step === place[at]);
}
