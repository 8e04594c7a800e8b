import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';
import { formatHostPattern, parseHostPattern } from '../../shared/src/domain/host-pattern.ts';
import { parsePathPattern } from '../../shared/src/domain/path-pattern.ts';
import { findPlaceholders, placeholderScheme } from '../../shared/src/domain/placeholder.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 6;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 20_000) / properties));

const nameText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        'B',
        'é',
        'Σ',
        'ς',
        'ẞ',
        'ß',
        'İ',
        'xn--',
        '-',
        '_',
        '.',
        '。',
        '1',
        '0x',
        '%',
        '\u00ad',
        '\u200d',
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('')),
  fc.domain(),
  fc.ipV4(),
  fc.ipV4Extended(),
);
const hostText = fc.oneof(
  nameText,
  fc
    .tuple(nameText, fc.constantFrom('.com', '.example', '.', ':443', ':1', ':65535', '.de:8443'))
    .map((parts) => parts.join('')),
  fc.ipV6().map((address) => `[${address}]`),
  fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([address, port]) => `[${address.toUpperCase()}]:${port}`),
);

describe('parseHostPattern', () => {
  it('gives a name the same form as the wire does', () => {
    fc.assert(
      fc.property(hostText, (text) => {
        const pattern = parseHostPattern(text);
        const authority = parseAuthority(Buffer.from(text, 'utf8').toString('latin1'), 443);
        if (authority.kind === 'authority') {
          expect(pattern).toEqual({
            kind: 'pattern',
            pattern: {
              kind: 'exact',
              host: authority.host,
              port: /:[0-9]+$/.test(text) && !text.endsWith(']') ? authority.port : undefined,
            },
          });
        } else if (pattern.kind === 'pattern' && pattern.pattern.kind === 'exact') {
          // Only a port may be written more freely by an admin.
          expect(text).toMatch(/:0[0-9]*$/);
        }
      }),
      { numRuns: numRuns * 2 },
    );
  });

  it('gives what it wrote again', () => {
    fc.assert(
      fc.property(fc.constantFrom('', '*.'), hostText, (prefix, text) => {
        const parsed = parseHostPattern(prefix + text);
        if (parsed.kind === 'invalid') return;
        expect(parseHostPattern(formatHostPattern(parsed.pattern))).toEqual(parsed);
      }),
      { numRuns },
    );
  });
});

describe('parsePathPattern', () => {
  const part = fc.constantFrom('a', 'b', '/', '*', '**', '.', 'ab', '%41', '[');
  const patternText = fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
  const pathText = fc
    .array(fc.constantFrom('a', 'b', '/', 'A', '.', '['), { maxLength: 12 })
    .map((parts) => `/${parts.join('')}`);

  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(patternText, pathText, (text, path) => {
        const parsed = parsePathPattern(text);
        if (parsed.kind === 'invalid') return;
        const source = text
          .replaceAll('%41', 'A')
          .split(/(\*{1,2})/)
          .map((token) => (token === '**' ? '.*' : token === '*' ? '[^/]*' : token.replace(/[.[]/g, '\\$&')));
        expect(parsed.covers(path)).toBe(new RegExp(`^${source.join('')}$`, 's').test(path));
      }),
      { numRuns },
    );
  });

  it('covers without letter case whatever it covers with it', () => {
    fc.assert(
      fc.property(patternText, pathText, (text, path) => {
        const strict = parsePathPattern(text);
        const loose = parsePathPattern(text, { ignoreCase: true });
        expect(loose.kind).toBe(strict.kind);
        if (strict.kind === 'pattern' && loose.kind === 'pattern' && strict.covers(path))
          expect(loose.covers(path.toUpperCase())).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe('findPlaceholders', () => {
  const piece = fc.constantFrom(
    placeholderScheme,
    'onecli',
    '://',
    'prod/',
    'a',
    '/',
    '@',
    '0',
    '7',
    '123456789',
    ' ',
    '.',
    'A',
    'é',
  );

  it('leaves no scheme uncovered, and covers none twice', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        let rest = '';
        let from = 0;
        for (const { start, end } of findPlaceholders(text)) {
          expect(start).toBeGreaterThanOrEqual(from);
          expect(text.startsWith(placeholderScheme, start)).toBe(true);
          rest += `${text.slice(from, start)}\0`;
          from = end;
        }
        rest += text.slice(from);
        expect(rest).not.toContain(placeholderScheme);
      }),
      { numRuns },
    );
  });
});
