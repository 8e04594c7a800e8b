import { describe, expect, it } from 'vitest';
import { jsonPathCovers, parseJsonPath } from './json-path.ts';

function covers(text: string, place: readonly (string | number)[]): boolean {
  const parsed = parseJsonPath(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  return jsonPathCovers(parsed.path, place);
}

describe('parseJsonPath', () => {
  it.each([
    ['$', []],
    ['$.auth.key', ['auth', 'key']],
    ['$.items[*].token', ['items', 7, 'token']],
    ['$.*.token', ['anything', 'token']],
    ['$[\'odd name\']["x.y"][0]', ['odd name', 'x.y', 0]],
    ['$[3].a-b', [3, 'a-b']],
  ])('has %s cover its place', (text, place) => {
    expect(covers(text, place)).toBe(true);
  });

  it.each([
    ['$.auth.key', ['auth']],
    ['$.auth.key', ['auth', 'key', 'more']],
    ['$.auth.key', ['auth', 'Key']],
    ['$.items[0]', ['items', 1]],
    ['$.items[0]', ['items', '0']],
    ["$['0']", [0]],
    ['$', ['a']],
  ])('has %s cover no other place', (text, place) => {
    expect(covers(text, place)).toBe(false);
  });

  it.each([
    '',
    'auth',
    '$auth',
    '$.',
    '$..key',
    '$[',
    '$[-1]',
    '$[01]',
    "$['a\\'b']",
    '$.a b',
    '$[?(@.a)]',
    `$${'.a'.repeat(128)}`,
  ])('refuses %j', (text) => {
    expect(parseJsonPath(text).kind).toBe('invalid');
  });
});
