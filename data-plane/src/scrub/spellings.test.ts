import { describe, expect, it } from 'vitest';
import { spellingsOf } from './spellings.ts';

const plain = 'sk-proj-Zx81LmQ0_aTfR7uYcN3pWvB5dEhG';
const awkward = `p/w+d"q'r\\s<t>&= ü€😀`;
const texts = (secret: string): string[] => spellingsOf(Buffer.from(secret)).map((bytes) => bytes.toString('utf8'));
const percentAll = (text: string): string => Buffer.from(text).toString('hex').replace(/../g, '%$&');

describe('spellingsOf', () => {
  it('gives a key as it is once, however many writers leave it so', () => {
    const all = texts(plain);
    expect(all.filter((text) => text === plain)).toHaveLength(1);
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeLessThan(30);
  });

  it('gives the longest first', () => {
    const lengths = spellingsOf(Buffer.from(awkward)).map((spelling) => spelling.length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
  });

  it.each<[string, string]>([
    ['JSON', JSON.stringify(awkward).slice(1, -1)],
    ['JSON of PHP', JSON.stringify(awkward).slice(1, -1).replaceAll('/', '\\/')],
    ['JSON of Python', `p/w+d\\"q'r\\\\s<t>&= \\u00fc\\u20ac\\ud83d\\ude00`],
    ['JSON of Go', `p/w+d\\"q'r\\\\s\\u003ct\\u003e\\u0026= ü€😀`],
    ['JSON of .NET', `p/w\\u002Bd\\u0022q\\u0027r\\\\s\\u003Ct\\u003E\\u0026= \\u00FC\\u20AC\\uD83D\\uDE00`],
    ['encodeURIComponent', encodeURIComponent(awkward)],
    ['encodeURI', encodeURI(awkward)],
    ['a form', new URLSearchParams({ a: awkward }).toString().slice(2)],
    ['a URL within a URL', encodeURIComponent(encodeURIComponent(awkward))],
    ['every byte percent-encoded', percentAll(awkward)],
    ['every byte percent-encoded, in upper case', percentAll(awkward).toUpperCase()],
    ['HTML', awkward.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')],
    ['HTML of Python', `p/w+d&quot;q&#x27;r\\s&lt;t&gt;&amp;= ü€😀`],
    ['HTML of Go', `p/w+d&#34;q&#39;r\\s&lt;t&gt;&amp;= ü€😀`],
    ['hex', Buffer.from(awkward).toString('hex')],
    ['hex in upper case', Buffer.from(awkward).toString('hex').toUpperCase()],
  ])('knows it as %s writes it', (_writer, spelling) => {
    expect(texts(awkward)).toContain(spelling);
  });

  it.each([plain, awkward, 'secret', '??>>~~ÿÿ'])('knows %j within anything that is base64', (secret) => {
    const spellings = spellingsOf(Buffer.from(secret));
    for (const ahead of ['', 'a', 'us', 'usr', 'user:', 'ÿ'])
      for (const behind of ['', 'b', 'bc', 'bcd'])
        for (const coding of ['base64', 'base64url'] as const) {
          const written = Buffer.from(ahead + secret + behind).toString(coding);
          const found = spellings.filter((spelling) => written.includes(spelling.toString('latin1')));
          // All of the secret's bits but four at most at each of its ends.
          const bits = Math.max(...found.map((spelling) => spelling.length * 6));
          expect(bits).toBeGreaterThanOrEqual(Buffer.byteLength(secret) * 8 - 8);
        }
  });

  it('does not take the lower case of a short secret for it', () => {
    expect(texts('PassWord')).not.toContain('password');
    expect(texts(plain)).toContain(plain.toLowerCase());
  });

  it('gives none of a secret that ordinary text holds by chance', () => {
    expect(spellingsOf(Buffer.from('12345'))).toEqual([]);
    expect(texts('123456')).toContain('123456');
  });

  it('does not spell a very long secret at six times its length', () => {
    const long = 'x/'.repeat(20_000);
    expect(texts(long)).toContain(long.replaceAll('/', '%2F'));
    expect(Math.max(...texts(long).map((text) => text.length))).toBeLessThan(long.length * 4);
  });
});
