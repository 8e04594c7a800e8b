import { parseEnv } from 'node:util';

/** One assignment of a .env file, and where its value stands. */
export interface Assignment {
  readonly variable: string;
  /** As programs read it. */
  readonly value: string;
  /** Where the value stands in the text, its quotes included: [start, end). */
  readonly start: number;
  readonly end: number;
  /** The quotes around it, or nothing. */
  readonly quote: '' | '"' | "'" | '`';
  /** From 1. */
  readonly line: number;
}

const assignment =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n#]*)/gm;

/**
 * The assignments of a .env file in their order. The values are those that Node's own parser gives (`util.parseEnv`); an
 * assignment that this reader would read in another way is left out, and so is what an assignment further down overrides.
 */
export function readAssignments(text: string): Assignment[] {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const offset = text.length - body.length;
  const truth = parseEnv(body) as Readonly<Record<string, string>>;
  const last = new Map<string, Assignment>();
  for (const match of body.matchAll(assignment)) {
    const [whole, variable = '', written = ''] = match;
    const trimmed = written.trimEnd();
    const start = match.index + whole.length - written.length + offset;
    const quote = quoteOf(trimmed);
    const value = quote === '' ? trimmed : trimmed.slice(1, -1);
    const line = text.slice(0, start).split('\n').length;
    last.delete(variable);
    last.set(variable, { variable, value, start, end: start + trimmed.length, quote, line });
  }
  return [...last.values()]
    .filter(({ variable, value, quote }) => {
      const read = Object.hasOwn(truth, variable) ? truth[variable] : undefined;
      return read === value || (quote === '"' && read === value.replaceAll('\\n', '\n'));
    })
    .map((found) => ({ ...found, value: truth[found.variable] ?? found.value }))
    .sort((one, other) => one.start - other.start);
}

/** Variables that the file sets and of which it cannot be told where. */
export function unreadableVariables(text: string): string[] {
  const read = new Set(readAssignments(text).map(({ variable }) => variable));
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return Object.keys(parseEnv(body)).filter((variable) => !read.has(variable));
}

function quoteOf(written: string): Assignment['quote'] {
  const first = written[0];
  const isQuoted = written.length > 1 && (first === '"' || first === "'" || first === '`') && written.endsWith(first);
  return isQuoted ? first : '';
}

/**
 * The text with other values for some variables; quotes, comments, order and line ends stay.
 * @throws Error when a program would read the result in another way than is meant: then nothing may be written
 */
export function withValues(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  for (const { variable, start, end, quote } of readAssignments(text).reverse()) {
    const value = values.get(variable);
    if (value !== undefined) result = result.slice(0, start) + quote + value + quote + result.slice(end);
  }
  const [before, after] = [text, result].map((each) => parseEnv(each.replace(/^\uFEFF/, '')) as Record<string, string>);
  for (const variable of Object.keys({ ...before, ...after })) {
    if (after?.[variable] !== (values.get(variable) ?? before?.[variable]))
      throw new Error(`${variable} would be read in another way`);
  }
  return result;
}

/** The lines, from 1, on which a text stands although no assignment has it as its value: comments, parts of others. */
export function linesWith(text: string, needle: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.includes(needle) ? [index + 1] : []));
}
