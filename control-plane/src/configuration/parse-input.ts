import { Fault } from '@onecli/shared/fault';
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/**
 * Checks an input against its schema, whatever it is. Only the first thing wrong is told.
 * @throws Fault INVALID with the field, written as `rules[0].allow.hosts[1]`; the message never repeats a value
 */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new Fault('INVALID', 'The input is not valid');
  throw faultOfIssue(issue, []);
}

/** A fault for one field that a schema alone cannot judge. */
export function invalidField(field: string, problem: string): Fault {
  return new Fault('INVALID', `${field} ${problem}`, { field });
}

function faultOfIssue(issue: Issue, above: readonly PropertyKey[]): Fault {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const nested = closestBranch(issue.errors);
    if (nested !== undefined) return faultOfIssue(nested, path);
  }
  if (issue.code === 'unrecognized_keys') return invalidAt([...path, issue.keys[0] ?? ''], 'is not a known field');
  if (issue.code === 'invalid_key') return invalidAt(path, issue.issues[0]?.message ?? 'is not a valid key');
  if (issue.code === 'invalid_type') {
    const isAbsent = issue.message.endsWith('received undefined');
    return invalidAt(path, isAbsent ? 'is required' : `must be ${article(issue.expected)}`);
  }
  return invalidAt(path, issue.message);
}

function invalidAt(path: readonly PropertyKey[], problem: string): Fault {
  const field = formatPath(path);
  return field === '' ? new Fault('INVALID', `The body ${problem}`) : invalidField(field, problem);
}

/** Of a union's branches, that which fitted further than its outermost type. */
function closestBranch(branches: readonly (readonly Issue[])[]): Issue | undefined {
  const [first] = branches.map((issues) => issues[0]).filter((issue) => issue !== undefined && !isWrongTypeHere(issue));
  return first;
}

function isWrongTypeHere(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function article(expected: string): string {
  const noun = { array: 'list', record: 'object', int: 'whole number' }[expected] ?? expected;
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

const maxFieldLength = 200;

function formatPath(path: readonly PropertyKey[]): string {
  const text = path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
  return text.length > maxFieldLength ? `${text.slice(0, maxFieldLength)}…` : text;
}
