import { describe, expect, it } from 'vitest';
import { allowRule, givenRule, valuesOf } from './given-rule.ts';

const given = (parts: Record<string, string>) =>
  givenRule(new URLSearchParams({ agent: 'bot', host: 'api.example.com', method: 'GET', ...parts }));

describe('a rule of what was refused', () => {
  it('has what was asked for', () => {
    expect(given({ path: '/v1/models' })).toEqual({
      texts: { hosts: 'api.example.com', paths: '/v1/models', methods: 'GET', secrets: '' },
      withheld: {},
    });
    expect(given({ port: '8443' }).texts.hosts).toBe('api.example.com:8443');
    expect(given({ method: 'CONNECT' }).texts.methods).toBe('');
    expect(given({ host: '[2001:db8::1]', port: '8443' }).texts.hosts).toBe('[2001:db8::1]:8443');
  });

  it.each(['/harmless,/**', '/harmless /**', '/harmless\t/**', '/**', '/v1/*', '/a,b', '/a\u00a0/**', 'v1', '/a?b'])(
    'does not have the path %j: it would cover other paths, or none',
    (path) => {
      const { texts, withheld } = given({ path });
      expect(texts.paths).toBe('');
      expect(withheld).toEqual({ paths: expect.stringContaining(JSON.stringify(path)) as string });
    },
  );

  it.each(['*.example.com', 'a.example,*.example.com', 'a.example b.example', '*'])('nor the host %j', (host) => {
    const { texts, withheld } = given({ host });
    expect(texts.hosts).toBe('');
    expect(Object.keys(withheld)).toEqual(['hosts']);
  });

  it.each(['*', 'GET,DELETE', 'GET DELETE'])('nor the method %j', (method) => {
    const { texts, withheld } = given({ method });
    expect(texts.methods).toBe('');
    expect(Object.keys(withheld)).toEqual(['methods']);
  });
});

describe('the values of a field', () => {
  it('are split where a person wrote them, and one where they were given', () => {
    expect(valuesOf('/a, /b\n/c', '')).toEqual(['/a', '/b', '/c']);
    expect(valuesOf('/a,/b', '/a,/b')).toEqual(['/a,/b']);
    expect(valuesOf('"/a,/b"', '')).toEqual(['/a,/b']);
    expect(valuesOf('', '')).toEqual([]);
  });

  it('are split in a rule where a person filled in what was withheld', () => {
    const { texts } = given({ path: '/**', method: 'GET,POST' });
    expect(allowRule({ ...texts, paths: '/a, /b', methods: 'GET, POST' }, texts)).toEqual({
      allow: { hosts: ['api.example.com'], paths: ['/a', '/b'], methods: ['GET', 'POST'] },
    });
    expect(allowRule(texts, texts)).toEqual({ allow: { hosts: ['api.example.com'] } });
  });
});
