/** The values of a text in which white space and commas stand between them. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** The lines of a text that say something: for values that may have commas and blanks in them. */
export function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => line.trim() || []);
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** A comma ends a value where another `key=` follows it; any other is a part of the value. */
const betweenLabels = /\n|,(?=\s*[A-Za-z0-9][\w./-]*\s*=)|,\s*$/;

/** Labels of a text like `team=finance, site=berlin`; undefined when it is none. */
export function labelsOf(text: string): Pair[] | undefined {
  return pairsOf(text.split(betweenLabels));
}

/** Claims of a text, one on each line: their names and values may have commas. Undefined when it is none. */
export function claimsOf(text: string): Pair[] | undefined {
  return pairsOf(text.split('\n'));
}

function pairsOf(parts: readonly string[]): Pair[] | undefined {
  const pairs = parts.flatMap((part) => part.trim() || []).map((part) => /^([^=]+)=(.*)$/.exec(part));
  if (pairs.includes(null)) return undefined;
  return pairs.map((match) => ({ key: match?.[1]?.trim() ?? '', value: match?.[2]?.trim() ?? '' }));
}
