import { describe, expect, it } from 'vitest';
import { placeRequest, placed, scopeOf, secretOn } from './testing/place-request.ts';

const key = secretOn(['query'], { name: 'prod/key', values: ['old', 'a+b/c=&d#?%41 é'] });
const encoded = 'a%2Bb%2Fc%3D%26d%23%3F%2541%20%C3%A9';
const bot = secretOn(['path'], { name: 'prod/bot', values: ['123:AA-b_c'], alias: `bot-onecli7x${'Ab1'.repeat(9)}Z` });
const slash = secretOn(['path'], { name: 'prod/slash', values: ['a/b'] });
const header = secretOn(['header'], { name: 'prod/header', values: ['h'] });
const dots = ['.', '..', '../x', 'a\\b', '%2e%2e'].map((value, at) =>
  secretOn(['path'], { name: `prod/dots${at}`, values: [value] }),
);
const scope = scopeOf([key, bot, slash, header, ...dots]);
const target = (text: string) => placed(placeRequest(scope, text)).target;
const notBound = { kind: 'refused', finding: { kind: 'PLACEHOLDER_NOT_BOUND', place: 'target' } };
const notGranted = { kind: 'refused', finding: { kind: 'PLACEHOLDER_NOT_GRANTED', place: 'target' } };

describe('placeCredentials in the query', () => {
  it.each([
    ['raw', '/v1?a=1&key=onecli://prod/key&b=2', `/v1?a=1&key=${encoded}&b=2`],
    ['percent-encoded', '/v1?key=onecli%3A%2F%2Fprod%2Fkey', `/v1?key=${encoded}`],
    ['every octet percent-encoded', `/v1?key=${percentAll('onecli://prod/key')}&x=%20`, `/v1?key=${encoded}&x=%20`],
    ['pinned', '/v1?key=onecli://prod/key@1', '/v1?key=old'],
    ['pinned, percent-encoded', '/v1?key=onecli%3A%2F%2Fprod%2Fkey%401&y', '/v1?key=old&y'],
    ['within a value', '/v1?auth=Key%20onecli://prod/key,x', `/v1?auth=Key%20${encoded},x`],
    ['twice', '/v1?a=onecli://prod/key&b=onecli://prod/key', `/v1?a=${encoded}&b=${encoded}`],
    ['as all of it', '/v1?onecli://prod/key', `/v1?${encoded}`],
    ['after a bare parameter', '/v1?flag&key=onecli://prod/key', `/v1?flag&key=${encoded}`],
  ])('replaces one that stands there %s, and nothing else', (_name, before, after) => {
    expect(target(before)).toBe(after);
    expect(placed(placeRequest(scope, before))).toMatchObject({ surfaces: ['query'], readings: undefined });
  });

  it('refuses one in the name of a parameter: its value could end it', () => {
    expect(placeRequest(scope, '/v1?onecli://prod/key=1')).toEqual(notBound);
    expect(placeRequest(scope, '/v1?a=1&onecli%3A%2F%2Fprod%2Fkey=1')).toEqual(notBound);
  });

  it.each([
    ['encoded twice', `/v1?key=${encodeURIComponent(encodeURIComponent('onecli://prod/key'))}`],
    [
      'encoded three times',
      `/v1?key=${encodeURIComponent(encodeURIComponent(encodeURIComponent('onecli://prod/key')))}`,
    ],
    ['encoded twice beside a plain one', `/v1?a=onecli://prod/key&b=onecli%253A%252F%252Fprod%252Fkey`],
  ])('refuses one that is %s', (_name, text) => {
    expect(placeRequest(scope, text)).toEqual(notBound);
  });

  it('refuses a secret of another surface, and one in the path', () => {
    expect(placeRequest(scope, '/v1?key=onecli://prod/header')).toEqual(notBound);
    expect(placeRequest(scope, '/v1?key=onecli://prod/bot')).toEqual(notBound);
    expect(placeRequest(scope, '/onecli:%2F%2Fprod%2Fkey?x=1')).toEqual(notBound);
    expect(placeRequest(scope, '/%3Fkey=onecli%3A%2F%2Fprod%2Fkey')).toEqual(notBound);
  });
});

describe('placeCredentials in the path', () => {
  it.each([
    ['part of a segment', '/botonecli:%2F%2Fprod%2Fbot/sendMessage?x=1', '/bot123%3AAA-b_c/sendMessage?x=1'],
    ['a whole segment', '/v1/onecli%3A%2F%2Fprod%2Fbot', '/v1/123%3AAA-b_c'],
    ['raw', '/v1/onecli://prod/bot/send', '/v1/123%3AAA-b_c/send'],
    ['an alias', `/${bot.alias}/send`, '/123%3AAA-b_c/send'],
    ['a pinned alias', `/${bot.alias}@1/send`, '/123%3AAA-b_c/send'],
  ])('replaces one that is %s, and gives the new path to be judged', (_name, before, after) => {
    const placement = placed(placeRequest(scope, before));
    expect(placement.target).toBe(after);
    expect(placement).toMatchObject({ surfaces: ['path'] });
    expect(placement.readings).toContain(after.split('?')[0]);
  });

  it('never lets a value add a segment, and has every reading of an escaped slash judged', () => {
    const placement = placed(placeRequest(scope, '/v1/onecli:%2F%2Fprod%2Fslash'));
    expect(placement.target).toBe('/v1/a%2Fb');
    expect(placement.readings).toEqual(expect.arrayContaining(['/v1/a%2Fb', '/v1/a/b']));
  });

  it.each(dots.map(({ name }) => [name]))('refuses a value that makes a dot segment or a backslash: %s', (name) => {
    const placement = placeRequest(scope, `/v1/onecli:%2F%2F${name.replace('/', '%2F')}/x`);
    expect(placement).toMatchObject({ kind: 'unavailable' });
  });

  it('says of an alias that is unknown, not granted or misspelt what it says of a secret that does not exist', () => {
    const alias = String(bot.alias);
    const other = `bot-onecli7x${'Cd2'.repeat(9)}Z`;
    for (const text of [
      `/${other}`,
      `/${alias}x`,
      `/${alias}-x`,
      `/${alias.slice(1)}`,
      `/${alias.slice(0, -1)}`,
      `/${alias}@7`,
    ])
      expect(placeRequest(scope, text)).toEqual(notGranted);
    expect(placeRequest(scopeOf([bot], { grants: new Set() }), `/${alias}`)).toEqual(notGranted);
    expect(placeRequest(scope, '/onecli7x')).toEqual(notGranted);
  });
});

function percentAll(text: string): string {
  return Array.from(text, (character) => `%${character.charCodeAt(0).toString(16)}`).join('');
}
