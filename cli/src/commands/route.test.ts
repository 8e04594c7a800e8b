import { describe, expect, it } from 'vitest';
import { routeBody } from './route.ts';

const base = { secret: 'prod/x', host: ['a.example'] };

describe('routeBody', () => {
  it('reads headers, parameters, a path and removals', () => {
    const options = {
      ...base,
      methods: ['get'],
      header: ['Authorization: Bearer {secret}'],
      query: ['key=a={secret}'],
      path: '/bot{secret}{path}',
      removeHeader: ['X-Key'],
      removeQuery: ['k'],
    };
    expect(routeBody(options)).toEqual({
      secret: 'prod/x',
      hosts: ['a.example'],
      paths: [],
      methods: ['GET'],
      inject: [
        { header: { name: 'Authorization', template: 'Bearer {secret}' } },
        { query: { name: 'key', template: 'a={secret}' } },
        { path: { template: '/bot{secret}{path}' } },
        { remove: { header: 'X-Key' } },
        { remove: { query: 'k' } },
      ],
    });
  });

  it('refuses a route that does nothing, and a header or parameter without its separator', () => {
    expect(() => routeBody(base)).toThrow('at least one thing');
    expect(() => routeBody({ ...base, header: ['Authorization'] })).toThrow('--header');
    expect(() => routeBody({ ...base, query: ['{secret}'] })).toThrow('--query');
  });
});
