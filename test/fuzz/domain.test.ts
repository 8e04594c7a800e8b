import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuthority } from '../../data-plane/src/wire/parse-authority.ts';
import { parseAbsoluteTarget, parseTarget } from '../../data-plane/src/wire/parse-target.ts';
import { CompiledPolicy, type Decision, decide, mayReachHost } from '../../shared/src/domain/evaluate-policy.ts';
import { formatHostPattern, parseHostPattern } from '../../shared/src/domain/host-pattern.ts';
import { parsePathPattern } from '../../shared/src/domain/path-pattern.ts';
import { findPlaceholders, placeholderScheme } from '../../shared/src/domain/placeholder.ts';
import type { Rule } from '../../shared/src/domain/policy.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 12;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 20_000) / properties));

type RuleBody = Partial<Pick<Rule, 'hosts' | 'paths' | 'methods' | 'secrets'>>;

interface PolicyCase {
  readonly name: string;
  readonly rules: readonly ({ readonly allow: RuleBody } | { readonly deny: RuleBody })[];
  /** `METHOD absolute-URL`. */
  readonly request: string;
  readonly expect: { allow?: string; secrets?: string[]; deny?: string; refused?: string };
}

const folder = new URL('../corpus/policy/', import.meta.url);

function compile(rules: readonly Rule[]): CompiledPolicy {
  return new CompiledPolicy([{ id: '1', name: 'p', agents: [], rules }]);
}

function toRule(text: PolicyCase['rules'][number]): Rule {
  const empty = { hosts: [], paths: [], methods: [], secrets: [] };
  return 'allow' in text ? { effect: 'allow', ...empty, ...text.allow } : { effect: 'deny', ...empty, ...text.deny };
}

function outcomeOf({ rules, request }: PolicyCase): PolicyCase['expect'] {
  const [method = '', url = ''] = request.split(' ');
  const absolute = parseAbsoluteTarget(url);
  if (absolute.kind === 'fault') return { refused: absolute.code };
  const target = parseTarget(absolute.origin);
  if (target.kind === 'fault') return { refused: target.code };
  const hostRules = compile(rules.map(toRule)).rulesFor(absolute.authority.host, absolute.authority.port);
  const decision = decide(hostRules, method, target.readings);
  if (decision.kind === 'deny') return { deny: decision.rule ?? decision.reason };
  return { allow: decision.rule, secrets: [...decision.secrets].sort() };
}

for (const file of readdirSync(folder)) {
  describe(`corpus policy/${file}`, () => {
    const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as PolicyCase[];
    it.each(cases)('$name', (one) => {
      expect(outcomeOf(one)).toEqual(one.expect);
    });
  });
}

const hosts = ['a.example.com', 'b.example.com', 'example.com', 'x.y.example.com', '192.0.2.1'];
const hostPatterns = [...hosts, '*.example.com', '*.y.example.com', 'a.example.com:8443', '*.example.com:80', '*.com'];
const paths = ['/', '/v1', '/v1/', '/v1/a', '/V1/a', '/v1/a/b', '/v2'];
const pathPatterns = ['/v1', '/v1/', '/v1/*', '/v1/**', '/**', '/*', '/V1/a', 'bad'];
const some = (list: readonly string[], minLength = 0) =>
  fc.uniqueArray(fc.constantFrom(...list), { minLength, maxLength: 3 });
const ruleOf = (effect: Rule['effect']) =>
  fc.record({
    effect: fc.constant(effect),
    hosts: some(hostPatterns, 1),
    paths: some(pathPatterns),
    methods: some(['GET', 'POST', 'DELETE']),
    secrets: effect === 'allow' ? some(['prod/a', 'prod/b', 'prod/c']) : fc.constant([]),
  });
const anyRule: fc.Arbitrary<Rule> = fc.oneof(ruleOf('allow'), ruleOf('deny'));
const anyRules = fc.array(anyRule, { maxLength: 8 });
const question = fc.record({
  host: fc.constantFrom(...hosts),
  port: fc.constantFrom(443, 80, 8443),
  method: fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD'),
  readings: some(paths, 1),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

const ask = (rules: readonly Rule[], { host, port, method, readings }: Question): Decision =>
  decide(compile(rules).rulesFor(host, port), method, readings);
const grantsOf = (decision: Decision): string[] => (decision.kind === 'allow' ? [...decision.secrets].sort() : []);

describe('decide', () => {
  it('never allows or grants more when a deny is added', () => {
    fc.assert(
      fc.property(anyRules, ruleOf('deny'), fc.nat(8), question, (rules, deny, at, asked) => {
        const before = ask(rules, asked);
        const after = ask(rules.toSpliced(at, 0, deny), asked);
        if (before.kind === 'deny') expect(after.kind).toBe('deny');
        if (after.kind === 'allow') expect(grantsOf(after)).toEqual(grantsOf(before));
      }),
      { numRuns },
    );
  });

  it('is not changed by a rule for another host', () => {
    fc.assert(
      fc.property(anyRules, anyRule, question, (rules, other, asked) => {
        const stranger: Rule = { ...other, hosts: ['c.example.net', '*.d.example.net', 'a.example.com.example.net'] };
        expect(ask([...rules, stranger], asked)).toEqual(ask(rules, asked));
      }),
      { numRuns },
    );
  });

  it('does not hang on the order of rules', () => {
    fc.assert(
      fc.property(anyRules, fc.infiniteStream(fc.nat()), question, (rules, dice, asked) => {
        const keys = rules.map(() => dice.next().value);
        const shuffled = rules.map((rule, index) => ({ rule, key: keys[index] ?? 0 })).sort((a, b) => a.key - b.key);
        const after = ask(
          shuffled.map(({ rule }) => rule),
          asked,
        );
        const before = ask(rules, asked);
        expect(after.kind).toBe(before.kind);
        expect(grantsOf(after)).toEqual(grantsOf(before));
      }),
      { numRuns },
    );
  });

  it('never allows more when a reading is added', () => {
    fc.assert(
      fc.property(anyRules, question, fc.constantFrom(...paths), (rules, asked, reading) => {
        const before = ask(rules, asked);
        const after = ask(rules, { ...asked, readings: [...asked.readings, reading] });
        if (before.kind === 'deny') expect(after.kind).toBe('deny');
        for (const name of grantsOf(after)) expect(grantsOf(before)).toContain(name);
      }),
      { numRuns },
    );
  });

  it('allows no request to a host that may not be reached', () => {
    fc.assert(
      fc.property(anyRules, question, (rules, asked) => {
        const reach = mayReachHost(compile(rules).rulesFor(asked.host, asked.port));
        if (reach.kind === 'deny') expect(ask(rules, asked).kind).toBe('deny');
      }),
      { numRuns },
    );
  });

  it('agrees with a decision made the slow way', () => {
    fc.assert(
      fc.property(anyRules, question, (rules, asked) => {
        expect(ask(rules, asked).kind).toBe(slowly(rules, asked));
      }),
      { numRuns },
    );
  });
});

/** The definition of a decision, rule by rule, without an index. */
function slowly(rules: readonly Rule[], asked: Question): 'allow' | 'deny' {
  const isDenied = rules.some(
    (rule) => rule.effect === 'deny' && asked.readings.some((path) => holds(rule, asked, path)),
  );
  const isAllowed = asked.readings.every((path) =>
    rules.some((rule) => rule.effect === 'allow' && holds(rule, asked, path)),
  );
  return !isDenied && isAllowed ? 'allow' : 'deny';
}

function holds(rule: Rule, { host, port, method }: Question, path: string): boolean {
  const isDeny = rule.effect === 'deny';
  const candidates = isDeny && path.length > 1 && path.endsWith('/') ? [path, path.slice(0, -1)] : [path];
  const isHost = rule.hosts.some((text) => {
    const parsed = parseHostPattern(text);
    if (parsed.kind === 'invalid') return isDeny;
    const { kind, host: name, port: only } = parsed.pattern;
    const isName = kind === 'exact' ? name === host : host.endsWith(name) && host !== name;
    return isName && (only === undefined ? isDeny || port === 443 || port === 80 : only === port);
  });
  const isPath = rule.paths.some((text) => {
    const parsed = parsePathPattern(text, { ignoreCase: isDeny });
    return parsed.kind === 'invalid' ? isDeny : candidates.some((one) => parsed.covers(one));
  });
  return (
    (isHost || (isDeny && rule.hosts.some((text) => parseHostPattern(text).kind === 'invalid'))) &&
    (rule.paths.length === 0 || isPath) &&
    (rule.methods.length === 0 || rule.methods.includes(method))
  );
}

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
