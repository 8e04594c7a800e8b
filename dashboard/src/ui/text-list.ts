const oneOfList = /("(?:[^"\\]|\\.)*")(?=[\s,]|$)|[^\s,]+/g;

/** The values of a text in which white space and commas stand between them. One that has any in it stands in quotes. */
export function listOf(text: string): string[] {
  return [...text.matchAll(oneOfList)].map(([all, quoted]) => (quoted === undefined ? all : unquoted(quoted)));
}

/** Values as `listOf` reads them. */
export function listText(values: readonly string[]): string {
  return values.map((value) => (value === '' || /[\s,]|^"/.test(value) ? quote(value) : value)).join(', ');
}

/** The lines of a text that say something: for values that may have commas and blanks in them. */
export function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => line.trim() || []);
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** A value with a comma in it stands in quotes, so that none is taken for two labels, nor two for one. */
const label = /[\s,]*([^=,\n]+?)[^\S\n]*=[^\S\n]*(?:("(?:[^"\\]|\\.)*")|([^",\n][^,\n]*|))[^\S\n]*(?:[,\n]|$)/gy;

/** Labels of a text like `team=finance, note="a, b"`, with commas or lines between them; undefined when it is none. */
export function labelsOf(text: string): Pair[] | undefined {
  const found = [...text.matchAll(label)];
  const rest = text.slice(found.reduce((length, [all]) => length + all.length, 0));
  if (/[^\s,]/.test(rest)) return undefined;
  return found.map(([, key = '', quoted, plain = '']) => ({
    key,
    value: quoted === undefined ? plain.trim() : unquoted(quoted),
  }));
}

/** Labels as `labelsOf` reads them. */
export function labelsText(labels: readonly Pair[]): string {
  return labels.map(({ key, value }) => `${key}=${isPlain(value) ? value : quote(value)}`).join(', ');
}

function isPlain(value: string): boolean {
  return !value.includes(',') && !value.startsWith('"') && value === value.trim();
}

function quote(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

function unquoted(value: string): string {
  return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
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
