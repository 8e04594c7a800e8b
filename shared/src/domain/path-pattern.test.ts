import { afterEach, describe, expect, it, vi } from 'vitest';
import { parsePathPattern } from './path-pattern.ts';

function covers(text: string, path: string, ignoreCase = false): boolean {
  const parsed = parsePathPattern(text, { ignoreCase });
  if (parsed.kind === 'invalid') throw new Error(`${text} ${parsed.problem}`);
  return parsed.covers(path);
}

afterEach(() => vi.restoreAllMocks());

describe('parsePathPattern', () => {
  it.each([
    ['/', '/', true],
    ['/', '/a', false],
    ['/v1/models', '/v1/models', true],
    ['/v1/models', '/v1/models/', false],
    ['/v1/models', '/v1/Models', false],
    ['/v1/*', '/v1/a', true],
    ['/v1/*', '/v1/', true],
    ['/v1/*', '/v1', false],
    ['/v1/*', '/v1/a/b', false],
    ['/v1/*/b', '/v1/a/b', true],
    ['/v1/*/b', '/v1/a/c/b', false],
    ['/v1/**', '/v1/', true],
    ['/v1/**', '/v1/a/b/c', true],
    ['/v1/**', '/v1', false],
    ['/v1/**', '/v10', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/a**', '/abc/d', true],
    ['/**/end', '/a/b/end', true],
    ['/**/end', '/end', false],
    ['/**/end', '/a/end/x', false],
    ['/a*b*c', '/axbxc', true],
    ['/a*b*c', '/axb/xc', false],
    ['/a*b**c', '/axb/xc', true],
    ['/*.json', '/a.json', true],
    ['/*.json', '/axjson', false],
    ['/a.b', '/axb', false],
    ['/a+b(c)', '/a+b(c)', true],
    ['/**/*', '/a', false],
    ['/*/**', '/a/', true],
  ])('%s over %s: %s', (text, path, isCovered) => {
    expect(covers(text, path)).toBe(isCovered);
  });

  it('ignores letter case when asked to, in literals and next to wildcards', () => {
    expect(covers('/Admin', '/aDMIN', true)).toBe(true);
    expect(covers('/Admin/**', '/ADMIN/x', true)).toBe(true);
    expect(covers('/a%c3%bc', '/A%C3%BC', true)).toBe(true);
  });

  it('takes equivalent spellings for one (RFC 3986 6.2.2)', () => {
    expect(covers('/%c3%bc', '/%C3%BC')).toBe(true);
    expect(covers('/%61dmin', '/admin')).toBe(true);
    expect(covers('/items[1]', '/items%5B1%5D')).toBe(true);
    expect(covers('/items%5b1%5d', '/items[1]')).toBe(true);
    expect(covers('/a|b/**', '/a%7Cb/c')).toBe(true);
    expect(covers('/a%2Fb', '/a/b')).toBe(false);
    expect(covers('/%2A', '/anything')).toBe(false);
  });

  it.each([
    '',
    'v1',
    '*',
    '**',
    '/a?b',
    '/a#b',
    '/a\\b',
    '/a b',
    '/a\n',
    '/a\0',
    '/a\x7f',
    '/..',
    '/a/../b',
    '/a/.',
    '/%2e%2e/a',
    '/a/%2E',
    '/***',
    '/a%',
    '/a%2',
    '/a%zz',
    '/ü',
    '/a\u00a0b',
    `/${'*a'.repeat(17)}`,
    `/${'a'.repeat(1024)}`,
  ])('refuses %j', (text) => {
    expect(parsePathPattern(text).kind).toBe('invalid');
  });

  it('takes at most one look at each offset for each part, however bad the pattern', () => {
    const length = 4000;
    const wildcards = 16;
    const pattern = parsePathPattern(`/${'**a'.repeat(wildcards)}`);
    const path = `/${'a'.repeat(length)}b`;
    const looks = vi.spyOn(String.prototype, 'startsWith');
    expect(pattern.kind === 'pattern' && pattern.covers(path)).toBe(false);
    expect(looks.mock.calls.length).toBeLessThanOrEqual((wildcards + 1) * (path.length + 1));
  });

  it('stands a path of the longest head', () => {
    expect(covers('/*a*b/**c**', `/${'a/'.repeat(32_000)}`)).toBe(false);
    expect(covers('/**/**', `/${'a/'.repeat(32_000)}`)).toBe(true);
  });
});
