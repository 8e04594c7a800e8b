import { describe, expect, it } from 'vitest';
import { placeRequest, placed, scopeOf, secretOn } from './testing/place-request.ts';

const alias = `sk-onecli7x${'Ab1'.repeat(9)}Z`;
const session = secretOn(['cookie'], { name: 'prod/session', values: ['s1', 'abc=='] });
const odd = ['a;b', 'a b', 'a,b', '"a"', 'a\\b'].map((value, at) =>
  secretOn(['cookie', 'header'], { name: `prod/odd${at}`, values: [value] }),
);
const key = secretOn(['header', 'basic'], { name: 'prod/key', values: ['old', 'k:1'], alias });
const old = secretOn([], {
  name: 'prod/old',
  values: ['o'],
  binding: { hosts: ['api.example.com'], surfaces: ['header'] },
});
const open = secretOn([], {
  name: 'prod/open',
  values: ['c'],
  binding: { hosts: ['api.example.com', 'ported.example.com:8080'], surfaces: ['header'], allowCleartext: true },
});
const scope = scopeOf([session, key, old, open, ...odd]);
const header = (name: string, value: string, within = scope) => {
  const placement = placeRequest(within, '/', { [name]: value });
  return placement.kind === 'placed' ? placement.headers[0]?.value : placement;
};
const refused = (kind: string, place: string) => ({ kind: 'refused', finding: { kind, place } });

describe('placeCredentials in cookies', () => {
  it('replaces in the values of cookies', () => {
    expect(header('Cookie', 'a=1; sid=onecli://prod/session; b="x"')).toBe('a=1; sid=abc==; b="x"');
    expect(header('Cookie', 'sid=onecli://prod/session@1')).toBe('sid=s1');
    expect(placed(placeRequest(scope, '/', { Cookie: 'sid=onecli://prod/session' })).surfaces).toEqual(['cookie']);
  });

  it('refuses one in a cookie’s name: its value could end it', () => {
    for (const value of ['onecli://prod/session=1', 'a=1; onecli://prod/session=2', 'onecli://prod/session'])
      expect(header('Cookie', value)).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'cookie'));
  });

  it.each(odd.map(({ name }) => [name]))('never sends a value there that ends a cookie: %s', (name) => {
    expect(header('Cookie', `a=onecli://${name}`)).toMatchObject({ kind: 'unavailable' });
    expect(header('X-Key', `onecli://${name}`)).toBeTypeOf('string');
  });

  it('keeps cookies and other headers apart, but for bindings from before cookies were a surface', () => {
    expect(header('Cookie', 'a=onecli://prod/key')).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'cookie'));
    expect(header('X-Key', 'onecli://prod/session')).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'x-key'));
    expect(header('Cookie', 'a=onecli://prod/old')).toBe('a=o');
  });
});

describe('placeCredentials and aliases', () => {
  it('replaces an alias wherever the placeholder would be', () => {
    expect(header('Authorization', `Bearer ${alias}`)).toBe('Bearer k:1');
    expect(header('X-Key', `a ${alias}@1,${alias} onecli://prod/key`)).toBe('a old,k:1 k:1');
    const basic = header('Authorization', `Basic ${Buffer.from(`u:${alias}`).toString('base64')}`);
    expect(basic).toBe(`Basic ${Buffer.from('u:k:1').toString('base64')}`);
  });

  it('tells nothing of one that is not granted, has another prefix, goes on, or does not exist', () => {
    const within = scopeOf([session, key], { grants: new Set(['prod/session']) });
    const unknown = `sk-onecli7x${'Zz9'.repeat(9)}A`;
    expect(header('X-Key', alias, within)).toEqual(refused('PLACEHOLDER_NOT_GRANTED', 'x-key'));
    for (const text of [unknown, alias.replace('sk-', 'pk-'), alias.slice(3), `${alias}a`, `${alias}_`, `${alias}@03`])
      expect(header('X-Key', text)).toEqual(refused('PLACEHOLDER_NOT_GRANTED', 'x-key'));
  });

  it('refuses an alias whose prefix is a part of another placeholder', () => {
    expect(header('X-Key', `onecli://prod/${alias}`)).toEqual(refused('PLACEHOLDER_NOT_GRANTED', 'x-key'));
  });

  it('refuses an alias where its secret is not bound', () => {
    expect(placeRequest(scope, `/?key=${alias}`)).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'target'));
  });
});

describe('placeCredentials in Basic credentials', () => {
  const basic = (text: string) => header('Authorization', `Basic ${Buffer.from(text).toString('base64')}`);

  it('does not let a value with a colon move the end of the user name', () => {
    expect(basic('onecli://prod/key:password')).toMatchObject({ kind: 'unavailable' });
    expect(basic('user:onecli://prod/key')).toBe(`Basic ${Buffer.from('user:k:1').toString('base64')}`);
    expect(basic('onecli://prod/key')).toBe(`Basic ${Buffer.from('k:1').toString('base64')}`);
    expect(basic('onecli://prod/key@1:password')).toBe(`Basic ${Buffer.from('old:password').toString('base64')}`);
  });
});

describe('placeCredentials without TLS', () => {
  const cleartext = (change: object = {}) => scopeOf([key, open], { isSecure: false, port: 80, ...change });

  it('lets a secret leave only when its binding says so, to the port of http or one that it names', () => {
    expect(header('X-Key', 'onecli://prod/open', cleartext())).toBe('c');
    expect(header('X-Key', 'onecli://prod/open', cleartext({ host: 'ported.example.com', port: 8080 }))).toBe('c');
    for (const within of [cleartext({ port: 443 }), cleartext({ port: 8080 }), cleartext({ host: 'x.example.com' })])
      expect(header('X-Key', 'onecli://prod/open', within)).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'x-key'));
    expect(header('X-Key', 'onecli://prod/key', cleartext())).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'x-key'));
  });

  it('opens no door to port 80 over TLS', () => {
    const within = scopeOf([open], { port: 80 });
    expect(header('X-Key', 'onecli://prod/open', within)).toEqual(refused('PLACEHOLDER_NOT_BOUND', 'x-key'));
  });
});

describe('placeCredentials and values that are long', () => {
  it('does not let a small header grow without bound', () => {
    const long = secretOn(['header'], { name: 'prod/long', values: ['v'.repeat(64 * 1024)] });
    const text = Array<string>(90).fill('onecli://prod/long').join(' ');
    expect(header('X-Key', text, scopeOf([long]))).toMatchObject({ kind: 'unavailable' });
  });
});
