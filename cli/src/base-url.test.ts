import { describe, expect, it } from 'vitest';
import { baseUrlFor, baseUrlVariables } from './base-url.ts';

describe('baseUrlFor', () => {
  it('is what a host can be written behind', () => {
    expect(`${baseUrlFor('http://127.0.0.1:10254', 'me', 'tok_-1')}api.stripe.com/v1`).toBe(
      'http://127.0.0.1:10254/to/me:tok_-1@api.stripe.com/v1',
    );
    expect(baseUrlFor('https://gateway', 'a', 't')).toBe('https://gateway:443/to/a:t@');
    expect(baseUrlFor('http://[::1]:10254/', 'a', 't')).toBe('http://[::1]:10254/to/a:t@');
  });
});

describe('baseUrlVariables', () => {
  it.each([
    ['OPENAI_BASE_URL=api.openai.com/v1', 'http://g:1/to/a:t@api.openai.com/v1'],
    ['X=https://api.stripe.com', 'http://g:1/to/a:t@api.stripe.com'],
    ['X=api.example.com:8443/', 'http://g:1/to/a:t@api.example.com:8443/'],
  ])('reads %s', (assignment, url) => {
    expect(Object.values(baseUrlVariables([assignment], 'http://g:1/to/a:t@'))).toEqual([url]);
  });

  it.each(['X', 'X=', '=host', 'X=http://host/', 'X=a@host/', 'X=/v1', 'X=host?q', 'X=host:port'])(
    'refuses %s',
    (text) => {
      expect(() => baseUrlVariables([text], 'http://g:1/to/a:t@')).toThrow('--base-url');
    },
  );
});
