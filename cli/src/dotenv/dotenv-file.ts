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
  readonly quote: '' | '"' | "'";
  /** From 1. */
  readonly line: number;
}

/** A line and the variable that it is about, where it can be told. */
export interface NamedLine {
  readonly variable: string | undefined;
  /** From 1; undefined for a variable that Node finds where no line sets it. */
  readonly line: number | undefined;
}

/** What stands in a .env file, in its order. */
export interface DotenvFile {
  /** What is read alike by all: the last of each variable. */
  readonly assignments: readonly Assignment[];
  /** What shells and the libraries of several languages read in more than one way. */
  readonly unread: readonly NamedLine[];
  /** What an assignment further down overrides: its value is in force nowhere, and stands in the file. */
  readonly overridden: readonly Assignment[];
  /** Comments that look like an assignment with a value. */
  readonly commented: readonly Assignment[];
}

const name = '([A-Za-z_][A-Za-z0-9_.-]*)';
const isName = new RegExp(`^${name}$`);
/** Quotes without what some readers unfold, or a word without what a shell takes for more than text; then at most a comment. */
const plain = new RegExp(
  `[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*(?![ \\t])` +
    '("[^"\\\\$`]*"|\'[^\'\\\\]*\'|(?!~)(?:(?!:~)[^\\s#$;&`"\'\\\\<>|()])*)' +
    '(?=[ \\t]*(?:(?<=[ \\t])#[^\\r\\n]*)?\\r?(?:\\n|$))',
  'y',
);
const blankOrComment = /^[ \t]*(?:#[^\r]*)?\r?$/;
const comment = new RegExp(`^[ \\t]*#[ \\t#]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*(\\S+)`);
/** Not the end of a key that was broken into lines, which ends with `=` too. */
const named = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*[=:](?!=*\\s*$)`);
const openingQuote = /=[ \t]*(["'`])/;

/**
 * Reads a .env file as all readers do: shells, Node and the usual libraries. What they differ in is not guessed but named: such
 * a line is unread, and so is what Node's own parser (`util.parseEnv`) gives another value.
 */
export function readDotenvText(text: string): DotenvFile {
  const lines = [...linesOf(text)];
  const truth = parseEnv(text.replace(/^\uFEFF/, '')) as Readonly<Record<string, string>>;
  const last = new Map<string, number>();
  for (const [index, { kind, variable }] of lines.entries())
    if (kind !== 'comment' && variable !== undefined) last.set(variable, index);
  const assignments: Assignment[] = [];
  const unread: NamedLine[] = [];
  const overridden: Assignment[] = [];
  const commented: Assignment[] = [];
  for (const [index, one] of lines.entries()) {
    if (one.kind === 'unread') unread.push(one);
    else if (one.kind === 'comment') commented.push(one);
    else if (last.get(one.variable) !== index) overridden.push(one);
    else if (Object.hasOwn(truth, one.variable) && truth[one.variable] === one.value) assignments.push(one);
    else unread.push(one);
  }
  for (const variable of Object.keys(truth))
    if (!last.has(variable) && isName.test(variable)) unread.push({ variable, line: undefined });
  return { assignments, unread, overridden, commented };
}

type Line = (Assignment & { readonly kind: 'plain' | 'comment' }) | (NamedLine & { readonly kind: 'unread' });

/** What stands in each line, or from it on. After a quote that nothing closes, no line is sure to be one. */
function* linesOf(text: string): Generator<Line> {
  let isOpen = false;
  let line = 1;
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; line += 1) {
    plain.lastIndex = at;
    const match = isOpen ? null : plain.exec(text);
    if (match !== null) {
      yield assignmentAt({ kind: 'plain', variable: match[1], written: match[2], end: plain.lastIndex, line });
      line += match[0].split('\n').length - 1;
      at += match[0].length;
    }
    const lineEnd = text.indexOf('\n', at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const rest = text.slice(at, end);
    if (match === null) {
      const [whole = '', variable, written] = comment.exec(rest) ?? [];
      if (whole !== '') yield assignmentAt({ kind: 'comment', variable, written, end: at + whole.length, line });
      else if (!blankOrComment.test(rest)) yield { kind: 'unread', variable: named.exec(rest)?.[1], line };
      const quote = openingQuote.exec(rest);
      if (quote?.[1] !== undefined && !rest.trimStart().startsWith('#'))
        isOpen ||= text.indexOf(quote[1], at + quote.index + quote[0].length) === -1;
    }
    at = end + 1;
  }
}

function assignmentAt(found: {
  readonly kind: 'plain' | 'comment';
  readonly variable: string | undefined;
  readonly written: string | undefined;
  readonly end: number;
  readonly line: number;
}): Line {
  const { kind, variable = '', written = '', end, line } = found;
  const quote = kind === 'plain' && (written[0] === '"' || written[0] === "'") ? written[0] : '';
  const value = quote === '' ? written : written.slice(1, -1);
  return { kind, variable, value, start: end - written.length, end, quote, line };
}

/**
 * The text with other values for some variables; quotes, comments, order and line ends stay.
 * @throws Error when a program would read the result in another way than is meant: then nothing may be written
 */
export function withValues(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  for (const { variable, start, end, quote } of readDotenvText(text).assignments.toReversed()) {
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
