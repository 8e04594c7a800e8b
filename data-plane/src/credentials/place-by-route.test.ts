import type { Binding } from '@onecli/shared/domain/binding';
import type { Injection, Route } from '@onecli/shared/domain/route';
import { describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import type { PlacementScope } from './placement-scope.ts';
import { placeByRoute } from './place-by-route.ts';
import type { Placement } from './place-credentials.ts';
import { opener, scopeOf, secretOn } from './testing/place-request.ts';

const value = 'k&1=/é';
const key = secretOn(['header', 'query', 'path'], { name: 'prod/key', values: [value] });
const cookie = secretOn(['cookie'], { name: 'prod/cookie', values: ['c1'] });
const other = secretOn(['header'], { name: 'prod/other', values: ['o'] });
const evil = secretOn(['header', 'path', 'cookie'], { name: 'prod/evil', values: ['../;x'] });
const off = secretOn(['header'], { name: 'prod/off', values: ['x'], isDisabled: true });
const all = scopeOf([key, cookie, other, evil, off]);

const route = (inject: readonly Injection[], more: Partial<Route> = {}): Route => ({
  id: '1',
  name: 'r',
  secret: 'prod/key',
  hosts: ['api.example.com'],
  paths: [],
  methods: [],
  inject,
  ...more,
});
const bearer: Injection = { header: { name: 'Authorization', template: 'Bearer {secret}' } };

function place(
  routes: readonly Route[],
  change: {
    headers?: Record<string, string>;
    target?: string;
    method?: string;
    readings?: string[];
    scope?: PlacementScope;
  } = {},
): Placement {
  const { headers = {}, target = '/v1?a=1', method = 'GET', scope = all } = change;
  const list = Object.entries(headers).map(([rawName, text]) => ({
    name: rawName.toLowerCase(),
    rawName,
    value: text,
  }));
  const request = { target, methods: [method], readings: change.readings ?? [target.split('?')[0] ?? ''] };
  const { secrets } = scope.configuration.snapshot;
  const configuration = new Configuration(sampleSnapshot({ secrets: [...secrets.values()], routes }));
  return placeByRoute(list, request, {}, { ...scope, configuration }, opener);
}

function sent(placement: Placement): { target: string; headers: string[]; used: string[] } {
  if (placement.kind !== 'placed') throw new Error(placement.kind);
  const { target, headers, used } = placement;
  return {
    target,
    headers: headers.map(({ rawName, value: text }) => `${rawName}: ${Buffer.from(text, 'latin1').toString()}`),
    used: used.map(({ secret, version }) => `${secret.name}@${version.version}`),
  };
}
const untouched = { target: '/v1?a=1', headers: [], used: [] };

describe('placeByRoute', () => {
  it('sets a header, in place of all that the agent sent under its name', () => {
    const headers = { authorization: 'Bearer made-up', AUTHORIZATION: 'x', Accept: '*/*' };
    expect(sent(place([route([bearer])], { headers }))).toEqual({
      target: '/v1?a=1',
      headers: ['Accept: */*', `Authorization: Bearer ${value}`],
      used: ['prod/key@1'],
    });
  });

  it('sets a query parameter, percent-encoded, in place of all of its name however they are written', () => {
    const inject: Injection[] = [{ query: { name: 'my key', template: '{secret}!' } }];
    const encoded = 'my%20key=k%261%3D%2F%C3%A9%21';
    expect(sent(place([route(inject)], { target: '/v1?my+key=x&a=1&my%20key=y&%6dy+key' })).target).toBe(
      `/v1?a=1&${encoded}`,
    );
    expect(sent(place([route(inject)], { target: '/v1' })).target).toBe(`/v1?${encoded}`);
    expect(sent(place([route(inject)], { target: '/v1?' })).target).toBe(`/v1?${encoded}`);
  });

  it('asks for another path, which is read anew so that policy can judge it', () => {
    const placement = place([route([{ path: { template: '/bot{secret}{path}' } }])]);
    expect(sent(placement).target).toBe('/botk%261%3D%2F%C3%A9/v1?a=1');
    expect(placement).toMatchObject({ readings: expect.arrayContaining(['/botk&1=/%C3%A9/v1']) });
  });

  it('removes headers and parameters', () => {
    const inject: Injection[] = [{ remove: { header: 'X-Key' } }, { remove: { query: 'a' } }];
    expect(sent(place([route(inject)], { headers: { 'x-key': '1', b: '2' } }))).toMatchObject({
      target: '/v1',
      headers: ['b: 2'],
    });
  });

  it('takes a placeholder that it replaces for no fault, and finds those elsewhere', () => {
    expect(
      sent(place([route([bearer])], { headers: { Authorization: 'Bearer onecli://prod/none' } })).headers,
    ).toHaveLength(1);
    expect(place([route([bearer])], { headers: { 'X-Key': 'onecli://prod/none' } })).toMatchObject({ kind: 'refused' });
    expect(sent(place([route([bearer])], { headers: { 'X-Key': 'onecli://prod/other' } })).used).toEqual([
      'prod/other@1',
      'prod/key@1',
    ]);
  });

  it('lets the later of two by name set what both set', () => {
    const first = route([{ header: { name: 'K', template: 'first {secret}' } }], { name: 'b' });
    const second = route([{ header: { name: 'k', template: 'second {secret}' } }], { name: 'c', secret: 'prod/other' });
    expect(sent(place([second, first])).headers).toEqual(['k: second o']);
  });

  it.each([
    ['the secret is not granted', [route([bearer])], { scope: { ...all, grants: new Set(['prod/other']) } }],
    [
      'the secret does not exist',
      [route([bearer], { secret: 'prod/none' })],
      { scope: { ...all, grants: new Set(['prod/none']) } },
    ],
    ['the secret is disabled', [route([bearer], { secret: 'prod/off' })], {}],
    [
      'the surface is not bound',
      [route([{ query: { name: 'k', template: '{secret}' } }], { secret: 'prod/other' })],
      {},
    ],
    [
      'one of two surfaces is not bound',
      [route([bearer, { query: { name: 'k', template: '{secret}' } }], { secret: 'prod/other' })],
      {},
    ],
    ['a cookie is a header to it alone', [route([{ header: { name: 'Cookie', template: 'a={secret}' } }])], {}],
    ['the host is not the route’s', [route([bearer], { hosts: ['other.example.com'] })], {}],
    [
      'the host is not the secret’s',
      [route([bearer], { hosts: ['*.example.com'] })],
      { scope: { ...all, host: 'b.example.com' } },
    ],
    ['there is no TLS', [route([bearer])], { scope: { ...all, isSecure: false, port: 80 } }],
    ['the method is another', [route([bearer], { methods: ['POST'] })], {}],
    ['the path is another', [route([bearer], { paths: ['/v2/**'] })], {}],
    ['the path may be read in another way', [route([bearer], { paths: ['/v1'] })], { readings: ['/v1', '/v2'] }],
    ['a pattern cannot be read', [route([bearer], { hosts: ['*'] })], {}],
  ])('does nothing when %s', (_name, routes, change) => {
    expect(sent(place(routes as Route[], change as object))).toEqual(untouched);
  });

  it('refuses the request when the value cannot stand where the route puts it', () => {
    for (const inject of [
      { path: { template: '/a/{secret}' } },
      { header: { name: 'Cookie', template: 'a={secret}' } },
    ])
      expect(place([route([inject], { secret: 'prod/evil' })])).toMatchObject({ kind: 'unavailable' });
  });

  it('puts a cookie where its secret is bound to cookies', () => {
    const inject: Injection[] = [{ header: { name: 'Cookie', template: 'sid={secret}' } }];
    expect(sent(place([route(inject, { secret: 'prod/cookie' })], { headers: { cookie: 'a=1' } })).headers).toEqual([
      'Cookie: sid=c1',
    ]);
  });

  it('is not taken by a binding of another host into cleartext', () => {
    const binding: Binding = { hosts: ['api.example.com'], surfaces: ['header'], allowCleartext: true };
    const open = secretOn([], { name: 'prod/key', values: ['v'], binding });
    const scope = scopeOf([open], { isSecure: false, port: 80 });
    expect(sent(place([route([bearer])], { scope })).headers).toEqual(['Authorization: Bearer v']);
  });

  it('refuses what needs an expired secret, rather than letting it go without', () => {
    const old = secretOn(['header'], { name: 'prod/key', values: [value], expiresAtMs: Date.now() - 1 });
    expect(place([route([bearer])], { scope: scopeOf([old]) })).toEqual({
      kind: 'refused',
      finding: { kind: 'SECRET_EXPIRED', place: 'authorization' },
    });
    expect(sent(place([route([bearer], { methods: ['PUT'] })], { scope: scopeOf([old]) })).used).toEqual([]);
  });
});
