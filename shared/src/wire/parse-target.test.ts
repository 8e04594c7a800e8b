import { describe, expect, it } from 'vitest';
import { parseAbsoluteTarget, parseTarget } from './parse-target.ts';

const readings = (target: string): string[] => {
  const parsed = parseTarget(target);
  return parsed.kind === 'origin' ? parsed.readings.toSorted() : [parsed.code];
};

describe('parseTarget', () => {
  it('gives path and query as they came, and one reading of a plain path', () => {
    expect(parseTarget('/a.b/c?d=%2e%2e/%5C&e')).toEqual({
      kind: 'origin',
      path: '/a.b/c',
      query: 'd=%2e%2e/%5C&e',
      readings: ['/a.b/c'],
    });
    expect(parseTarget('/')).toEqual({ kind: 'origin', path: '/', query: undefined, readings: ['/'] });
    expect(parseTarget('/?')).toMatchObject({ path: '/', query: '' });
    expect(parseTarget('/a?b?c')).toMatchObject({ path: '/a', query: 'b?c' });
  });

  it('reads an escaped slash as itself and as a slash', () => {
    expect(readings('/@scope%2fname')).toEqual(['/@scope%2Fname', '/@scope/name']);
  });

  it('reads doubled slashes as they are and as one', () => {
    expect(readings('//a///b')).toEqual(['//a///b', '/a/b']);
  });

  it('reads path parameters with and without, raw and escaped', () => {
    expect(readings('/a;x=1/b')).toEqual(['/a/b', '/a;x=1/b']);
    expect(readings('/a%3Bx/b')).toEqual(['/a%3Bx/b', '/a/b', '/a;x/b']);
    expect(readings('/a%3Bx;y')).toEqual(['/a', '/a%3Bx', '/a%3Bx;y', '/a;x', '/a;x;y']);
  });

  it('reads escapes of letters and of what may stand raw in a path', () => {
    expect(readings('/%61dmin')).toEqual(['/%61dmin', '/admin']);
    expect(readings('/%40me')).toEqual(['/%40me', '/@me']);
    expect(readings('/%2561dmin')).toEqual(['/%2561dmin', '/admin']);
  });

  it('reads an escape that must be one in one way, in upper case', () => {
    expect(readings('/caf%c3%a9%20au')).toEqual(['/caf%C3%A9%20au']);
  });

  it('reads braces, brackets and the like both raw and escaped', () => {
    expect(readings('/a{b')).toEqual(['/a%7Bb', '/a{b']);
    expect(readings('/a%7bb')).toEqual(['/a%7Bb', '/a{b']);
  });

  it('reads all of these together', () => {
    expect(readings('/a;p%2f%61//b')).toEqual(
      expect.arrayContaining(['/a;p%2F%61//b', '/a;p/a/b', '/a//b', '/a/b', '/a;p%2Fa/b', '/a/a//b']),
    );
  });

  it('sees dot segments that only one of the readings has', () => {
    for (const path of [
      '/a/..',
      '/..;/a',
      '/%2e%2e;x/a',
      '/a%2f..%2fb',
      '/a/%252e%252e%252fb',
      '/./a',
      '/a/.;x',
      '/a/%2e',
    ])
      expect(readings(path)).toEqual(['BAD_TARGET']);
    for (const path of ['/...', '/.a', '/a..', '/a.;x/b', '/a/..b']) expect(readings(path)[0]).not.toBe('BAD_TARGET');
  });

  it('refuses forms other than origin-form', () => {
    for (const target of ['', '*', 'a', 'a.example:443', 'http://a/', '?a'])
      expect(parseTarget(target)).toMatchObject({ code: 'BAD_TARGET' });
  });

  it('answers for a long path in many encodings without growing without bound', () => {
    const parsed = parseTarget(`/${'%2561;a//%2f'.repeat(4000)}`);
    expect(parsed.kind === 'origin' && parsed.readings.length).toBeLessThan(40);
  });
});

describe('parseAbsoluteTarget', () => {
  it('gives scheme, authority and the origin-form of the rest', () => {
    expect(parseAbsoluteTarget('HTTPS://A.example/b?c')).toEqual({
      kind: 'absolute',
      scheme: 'https',
      authority: { kind: 'authority', host: 'a.example', port: 443 },
      origin: '/b?c',
    });
    expect(parseAbsoluteTarget('http://a.example')).toMatchObject({ authority: { port: 80 }, origin: '/' });
    expect(parseAbsoluteTarget('http://[::1]:8080?a')).toMatchObject({
      authority: { host: '[::1]', port: 8080 },
      origin: '/?a',
    });
  });

  it('refuses other schemes, userinfo, and hosts that two parsers read in two ways', () => {
    for (const target of ['', '/', '://a', 'ftp://a/', 'http:/a', 'http:a', '//a/b', ' http://a/'])
      expect(parseAbsoluteTarget(target)).toMatchObject({ code: 'BAD_TARGET' });
    for (const target of [
      'http://',
      'http:///a',
      'http://u@a/',
      'http://u:p@a/',
      'http://a\\b/',
      'http://a#@b/',
      'http://a:0/',
    ])
      expect(parseAbsoluteTarget(target)).toMatchObject({ code: 'BAD_AUTHORITY' });
  });
});
