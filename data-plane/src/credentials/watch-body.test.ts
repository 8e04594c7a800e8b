import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BodyVerdict, BodyWatch } from './watch-body.ts';

/** The gravest verdict over all pieces. */
function verdictOf(pieces: readonly Buffer[]): BodyVerdict {
  const watch = new BodyWatch();
  const verdicts = [...pieces.map((piece) => watch.push(piece)), watch.end()];
  return verdicts.includes('value') ? 'value' : verdicts.includes('mention') ? 'mention' : 'clean';
}

function everyWay(text: string): BodyVerdict[] {
  const bytes = Buffer.from(text);
  const halves = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const octets = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  return [...new Set([[bytes], octets, ...halves].map(verdictOf))];
}

const p = 'onecli://prod/openai';

describe('BodyWatch', () => {
  it.each([
    ['a JSON value', `{"key":"${p}"}`],
    ['a JSON value with escaped slashes', '{"key":"onecli:\\/\\/prod\\/openai"}'],
    ['a pinned version', `{"key":"${p}@3"}`],
    ['a member of a JSON list', `["a","${p}","b"]`],
    ['a JSON key', `{"${p}":1}`],
    ['a whole JSON body', `"${p}"`],
    ['a whole body', p],
    ['a form’s first value', `key=${p}&x=1`],
    ['a form’s last value', `x=1&key=${p}`],
    ['a form value, percent-encoded', 'x=1&key=onecli%3A%2F%2Fprod%2Fopenai&y=2'],
    ['a form value, percent-encoded in lower case', 'key=onecli%3a%2f%2fprod%2fopenai'],
    ['a form value, percent-encoded with its version', 'key=onecli%3A%2F%2Fprod%2Fopenai%403'],
    ['a part of a multipart body', `--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n${p}\r\n--b--\r\n`],
    ['a name with the mark in it', '{"key":"onecli://prod/onecli"}'],
    ['a name with the mark in it twice', '{"key":"onecli://onecli/onecli-onecli"}'],
    ['a name with the mark in it, percent-encoded', 'key=onecli%3A%2F%2Fonecli%2Fmy-onecli-key&x'],
    ['a value after a mention', `{"text":"use ${p} here","key":"${p}"}`],
    ['a value after the mark alone', `{"tool":"onecli","key":"${p}"}`],
    ['a value after a long text', `{"text":"${'onecli '.repeat(100)}","key":"${p}"}`],
    ['an alias', `{"key":"sk-onecli7x${'Ab1'.repeat(9)}Z"}`],
    ['an alias with a long prefix', `key=sk-ant-api03-${'x'.repeat(19)}onecli7x${'Ab1'.repeat(9)}Z&x=1`],
    ['a pinned alias', `{"key":"sk-onecli7x${'Ab1'.repeat(9)}Z@3"}`],
    ['a whole alias', `sk-onecli7x${'Ab1'.repeat(9)}Z`],
    ['a name in upper case', '{"key":"onecli://PROD/OPENAI"}'],
    ['no name at all', '{"key":"onecli://"}'],
  ])('sees %s as a value, however it is cut', (_name, text) => {
    expect(everyWay(text)).toEqual(['value']);
  });

  it.each([
    ['in prose', `Set the key to ${p}, then go on.`],
    ['at the end of prose', `Set the key to ${p}`],
    ['in a JSON string', `{"text":"the key is ${p} today"}`],
    ['at the start of a JSON string', `{"text":"${p} is the key"}`],
    ['at the end of a JSON string', `{"text":"the key is ${p}"}`],
    ['in a quoted file within a JSON string', `{"text":"A=1\\nKEY=${p}\\nB=2"}`],
    ['at the end of a quoted file within a JSON string', `{"text":"A=1\\nKEY=${p}"}`],
    ['in JSON within a JSON string', `{"arguments":"{\\"key\\":\\"${p}\\"}"}`],
    ['in a URL', `{"url":"https://user:${p}@host"}`],
    ['after Bearer', `{"header":"Bearer ${p}"}`],
    ['with more path', `{"key":"${p}/more/path"}`],
    ['as an alias', `{"text":"the key is sk-onecli7x${'Ab1'.repeat(9)}Z today"}`],
    ['as an alias after more than a prefix', `{"text":"${'x'.repeat(40)}onecli7x${'Ab1'.repeat(9)}Z"}`],
    ['right after another', `{"key":"${p}:${p}"}`],
    ['in an escape that is no part of it', 'key=onecli%3A%2F%2Fprod%2Fopenai%20x'],
    ['with an escape that is cut off', 'key=onecli://prod/openai%'],
    ['with a backslash at the end', `key=${p}\\`],
  ])('sees one %s as a mention, however it is cut', (_name, text) => {
    expect(everyWay(text)).toEqual(['mention']);
  });

  it.each([
    '',
    'o',
    'onecli',
    'onecli:',
    'onecli:/',
    'onecli%3a%2f',
    '"onecli"',
    'npx onecli run -- x',
    'https://onecli.example/',
    'ONECLI://prod/openai',
    'one\ncli://prod/openai',
    `${'onecl'.repeat(50)}`,
    `"onecli://${'a'.repeat(400)}"`,
  ])('sees nothing in %j, however it is cut', (text) => {
    expect(everyWay(text)).toEqual(['clean']);
  });

  it('gives the same verdict for any split of the same bytes', () => {
    const piece = fc.constantFrom(
      'onecli',
      '://',
      ':\\/\\/',
      '%3A%2F%2F',
      '%3a',
      '%2F',
      '%40',
      '%',
      '\\',
      '/',
      '"',
      '=',
      '&',
      '\r',
      '\n',
      ' ',
      'a',
      'prod/x',
      '@3',
      'on',
      'ecli',
      'é',
      '7x',
      'sk-',
      'sk-onecli7x',
      'a'.repeat(130),
      'onecli://p/q',
    );
    const body = fc.array(piece, { maxLength: 14 }).map((pieces) => Buffer.from(pieces.join('')));
    fc.assert(
      fc.property(body, fc.array(fc.nat(1000), { maxLength: 10 }), (bytes, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(verdictOf(pieces)).toBe(verdictOf([bytes]));
      }),
      { numRuns: 5000 },
    );
  });

  it('judges as soon as it can', () => {
    const watch = new BodyWatch();
    expect(watch.push(Buffer.from(`{"key":"${p}`))).toBe('clean');
    expect(watch.push(Buffer.from('"'))).toBe('value');
  });

  it('keeps no view of the bytes it was given', () => {
    const watch = new BodyWatch();
    const bytes = Buffer.from(`{"key":"${p}`);
    watch.push(bytes);
    bytes.fill(0);
    expect(watch.push(Buffer.from('"}'))).toBe('value');
  });

  it('carries a few hundred bytes at most, whatever comes', () => {
    const sizes: number[] = [];
    const concat = Buffer.concat;
    const chunk = 1000;
    const texts = ['"onecli://', 'onecli', 'a', '"', 'onecli%3a%2f'].map((text) =>
      Buffer.from(text.repeat(chunk).slice(0, chunk)),
    );
    const watch = new BodyWatch();
    try {
      Buffer.concat = (...parts: Parameters<typeof concat>) => {
        const joined = concat(...parts);
        sizes.push(joined.length);
        return joined;
      };
      for (let round = 0; round < 50; round++) for (const text of texts) watch.push(text);
    } finally {
      Buffer.concat = concat;
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(chunk + 350);
  });
});
