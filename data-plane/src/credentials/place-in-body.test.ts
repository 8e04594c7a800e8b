import type { BodySurface } from '@onecli/shared/domain/binding';
import { describe, expect, it } from 'vitest';
import { placeInBody, type PlacedBody } from './place-in-body.ts';
import { opener, scopeOf, secretOn } from './testing/place-request.ts';

const value = 'a"b\\c/é€\t&=%+';
const any = secretOn(['json', 'form', 'text'], { name: 'prod/any', values: ['old', value] });
const alias = `sk-onecli7x${'Ab1'.repeat(9)}Z`;
const plain = secretOn(['json', 'form', 'text'], { name: 'prod/plain', values: ['plain'], alias });
const pathed = secretOn([], {
  name: 'prod/pathed',
  values: ['deep'],
  binding: {
    hosts: ['api.example.com'],
    surfaces: ['json'],
    jsonPaths: ['$.auth.key', '$.items[*].token'],
    scrub: 'replace',
  },
});
const header = secretOn(['header'], { name: 'prod/header', values: ['h'] });
const scope = scopeOf([any, plain, pathed, header]);
const place = (body: string | Buffer, surface: BodySurface = 'json'): PlacedBody =>
  placeInBody(Buffer.from(body as string), surface, scope, opener);
const after = (body: string, surface: BodySurface = 'json'): string => {
  const placed = place(body, surface);
  if (placed.kind !== 'placed') throw new Error(JSON.stringify(placed));
  return placed.body.toString();
};
const refused = { kind: 'refused', finding: { kind: 'PLACEHOLDER_NOT_BOUND', place: 'body' } };
const escaped = (text: string) =>
  Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

describe('placeInBody in JSON', () => {
  it('replaces in any string, escapes the value, and leaves every other byte as it is', () => {
    const body = '{ "a" : [1.50, "x", "onecli://prod/any"],\n "é":"€ Bearer onecli://prod/any@1" }';
    expect(after(body)).toBe(`{ "a" : [1.50, "x", ${JSON.stringify(value)}],\n "é":"€ Bearer old" }`);
  });

  it.each([
    ['escaped slashes', '{"k":"onecli:\\/\\/prod\\/plain"}'],
    ['every character escaped', `{"k":"${escaped('onecli://prod/plain')}"}`],
    ['an alias', `{"k":"${alias}"}`],
    ['an escaped alias', `{"k":"${escaped(alias)}"}`],
  ])('replaces one that is written with %s', (_name, body) => {
    expect(JSON.parse(after(body))).toEqual({ k: 'plain' });
  });

  it('replaces at the paths of the binding alone', () => {
    const body = { auth: { key: 'onecli://prod/pathed' }, items: [{ token: 'x onecli://prod/pathed' }, { token: 1 }] };
    expect(JSON.parse(after(JSON.stringify(body)))).toEqual({
      auth: { key: 'deep' },
      items: [{ token: 'x deep' }, { token: 1 }],
    });
    for (const elsewhere of [{ key: 'onecli://prod/pathed' }, { auth: { key: ['onecli://prod/pathed'] } }])
      expect(place(JSON.stringify(elsewhere))).toEqual(refused);
  });

  it('matches names by what they mean, however they are escaped', () => {
    expect(JSON.parse(after('{"\\u0061uth":{"k\\u0065y":"onecli://prod/pathed"}}'))).toEqual({ auth: { key: 'deep' } });
  });

  it('leaves a mention of a secret that is not bound there, and says so', () => {
    for (const body of [
      '{"t":"set onecli://prod/header here"}',
      '{"t":"see onecli://prod/none"}',
      '{"t":"KEY=onecli://prod/pathed\\n"}',
    ])
      expect(place(body)).toMatchObject({ kind: 'placed', used: [], hasMention: true, body: Buffer.from(body) });
  });

  it.each([
    ['of another surface', '{"k":"onecli://prod/header"}'],
    ['that does not exist', '{"k":"onecli://prod/none"}'],
    ['that is escaped and not bound', `{"k":"${escaped('onecli://prod/header')}"}`],
    ['as a name', '{"onecli://prod/any":1}'],
    ['as an escaped name', `{"${escaped('onecli://prod/any')}":1}`],
    ['beside one that may be replaced, in one string', '{"k":"onecli://prod/any:onecli://prod/header"}'],
    ['beside one that may be replaced, elsewhere', '{"k":"onecli://prod/any","l":"onecli://prod/header"}'],
    ['by an alias that nobody has', `{"k":"sk-onecli7x${'Zz9'.repeat(9)}A"}`],
  ])('refuses one that stands as a value %s', (_name, body) => {
    expect(place(body)).toEqual(refused);
  });

  it.each([
    ['comments', '{/* " */"k":"onecli://prod/any"}'],
    ['a byte order mark', '\ufeff{"k":"onecli://prod/any"}'],
    ['a trailing comma', '{"k":"onecli://prod/any",}'],
    ['single quotes', "{'k':'onecli://prod/any'}"],
    ['two texts', '{"k":"onecli://prod/any"} {}'],
    ['a raw line break in a string', '{"k":"onecli://prod/any\n"}'],
    ['an unknown escape', '{"k":"\\x onecli://prod/any"}'],
    ['a bad number', '{"n":01,"k":"onecli://prod/any"}'],
    ['no end', '{"k":"onecli://prod/any"'],
    ['two members of one name', '{"k":"onecli://prod/any","k":"x"}'],
    ['two members of one name, one of them escaped', '{"k":"onecli://prod/any","\\u006b":"x"}'],
    ['more levels than anyone needs', `${'['.repeat(300)}"onecli://prod/any"${']'.repeat(300)}`],
  ])('refuses JSON with %s, which its reader may take another way', (_name, body) => {
    expect(place(body)).toMatchObject({ kind: 'unreadable' });
  });

  it('refuses UTF-16 and what is not UTF-8', () => {
    expect(place(Buffer.from('{"k":"onecli://prod/any"}', 'utf16le'))).toMatchObject({ kind: 'unreadable' });
    expect(place(Buffer.from('{"\xff":"onecli://prod/any"}', 'latin1'))).toMatchObject({ kind: 'unreadable' });
  });

  it('gives a body without placeholders back as the same buffer, whatever it is', () => {
    for (const text of ['{"a":1}', 'not json', '{"a":"\\u00e9 onecli"}'])
      expect(place(text)).toMatchObject({ kind: 'placed', used: [], hasMention: false, body: Buffer.from(text) });
  });
});

describe('placeInBody in forms', () => {
  it('replaces in values, percent-encoded', () => {
    expect(after('a=1&key=onecli%3A%2F%2Fprod%2Fany&b=x+y', 'form')).toBe(
      'a=1&key=a%22b%5Cc%2F%C3%A9%E2%82%AC%09%26%3D%25%2B&b=x+y',
    );
    expect(after(`key=onecli://prod/plain@1&k=${alias}`, 'form')).toBe('key=plain&k=plain');
    expect(after('h=Bearer+onecli%3a%2f%2fprod%2fplain', 'form')).toBe('h=Bearer+plain');
    expect(
      after(`k=${Array.from('onecli://prod/plain', (c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`, 'form'),
    ).toBe('k=plain');
  });

  it.each([
    'onecli://prod/any=1',
    'a=1&onecli%3A%2F%2Fprod%2Fany=2',
    'k=onecli://prod/header',
    'k=onecli%3A%2F%2Fprod%2Fnone',
    'onecli://prod/any',
  ])('refuses %s', (body) => {
    expect(place(body, 'form')).toEqual(refused);
  });

  it('leaves a mention', () => {
    expect(place('q=what+is+onecli%3A%2F%2Fprod%2Fheader+for', 'form')).toMatchObject({ used: [], hasMention: true });
  });
});

describe('placeInBody in text', () => {
  it('replaces anywhere in a text, and within a JSON string as JSON has it', () => {
    expect(after('<key>onecli://prod/any</key>', 'text')).toBe(`<key>${value}</key>`);
    expect(after('{"k":"onecli://prod/any"}', 'text')).toBe(JSON.stringify({ k: value }));
  });

  it('replaces all in a text or none', () => {
    expect(place('a=onecli://prod/any b=onecli://prod/header', 'text')).toEqual(refused);
    expect(place('onecli://prod/header', 'text')).toEqual(refused);
    expect(place('see onecli://prod/header', 'text')).toMatchObject({ used: [], hasMention: true });
  });
});

describe('placeInBody and values that are long', () => {
  const long = secretOn(['json', 'text'], { name: 'prod/long', values: ['v'.repeat(64 * 1024)] });
  const within = scopeOf([long]);

  it('places one of 64 KB', () => {
    expect(placeInBody(Buffer.from('["onecli://prod/long"]'), 'json', within, opener)).toMatchObject({
      kind: 'placed',
    });
  });

  it('does not let a small body grow without bound', () => {
    const text = Array<string>(1000).fill('onecli://prod/long').join(' ');
    for (const body of [JSON.stringify([text]), JSON.stringify(Array<string>(1000).fill('onecli://prod/long'))])
      expect(placeInBody(Buffer.from(body), 'json', within, opener)).toEqual({
        kind: 'unreadable',
        detail: 'the secrets of one text take more than 524288 bytes',
      });
  });
});

describe('placeInBody with an expired secret', () => {
  const old = secretOn(['json', 'form', 'text'], { name: 'prod/old', values: ['x'], expiresAtMs: Date.now() - 1 });
  const expired = { kind: 'refused', finding: { kind: 'SECRET_EXPIRED', place: 'body' } };

  it.each([
    ['json', '{"k":"onecli://prod/old"}'],
    ['json', '{"k":"a onecli://prod/old b"}'],
    ['form', 'a=b&k=onecli://prod/old'],
    ['text', 'onecli://prod/old'],
  ] as const)('refuses a body of %s: %s', (surface, body) => {
    expect(placeInBody(Buffer.from(body), surface, scopeOf([old]), opener)).toEqual(expired);
  });
});
