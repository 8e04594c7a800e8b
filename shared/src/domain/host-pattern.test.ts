import { describe, expect, it } from 'vitest';
import { formatHostPattern, hostPatternCovers, parseHostPattern } from './host-pattern.ts';

function pattern(text: string) {
  const parsed = parseHostPattern(text);
  if (parsed.kind === 'invalid') throw new Error(`${text} ${parsed.problem}`);
  return parsed.pattern;
}
const written = (text: string) => formatHostPattern(pattern(text));
const label63 = 'a'.repeat(63);
const name253 = `${label63}.${label63}.${label63}.${'a'.repeat(61)}`;

describe('parseHostPattern', () => {
  it.each([
    ['api.openai.com', 'api.openai.com'],
    ['API.OpenAI.COM', 'api.openai.com'],
    ['api.openai.com.', 'api.openai.com'],
    ['api.openai.com:8443', 'api.openai.com:8443'],
    ['api.openai.com.:443', 'api.openai.com:443'],
    ['localhost', 'localhost'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['*.Example.com.', '*.example.com'],
    ['*.example.co.uk:8443', '*.example.co.uk:8443'],
    ['*.me.github.io', '*.me.github.io'],
    ['*.svc.internal', '*.svc.internal'],
    ['Bücher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['bücher。example', 'xn--bcher-kva.example'],
    ['exam\u00adple.com', 'example.com'],
    ['\u212a.com', 'k.com'],
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1:8080'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    ['[2001:db8:0:0:0:0:0:1]:8443', '[2001:db8::1]:8443'],
    ['[1:0:0:2:0:0:0:3]', '[1:0:0:2::3]'],
    ['[::ffff:192.0.2.1]', '[::ffff:c000:201]'],
    ['[::192.0.2.1]', '[::c000:201]'],
    [name253, name253],
    [`${name253}.`, name253],
  ])('makes %j canonical', (text, canonical) => {
    expect(written(text)).toBe(canonical);
    expect(written(canonical)).toBe(canonical);
  });

  it.each([
    ['*', 'everybody'],
    ['*.com', 'a public suffix'],
    ['*.COM.', 'a public suffix'],
    ['*.com:443', 'a public suffix'],
    ['*.co.uk', 'a public suffix'],
    ['*.github.io', 'a public suffix of strangers'],
    ['*.s3.amazonaws.com', 'a public suffix of strangers'],
    ['*.kobe.jp', 'a parent of public suffixes'],
    ['*.xn--p1ai', 'a public suffix in A-labels'],
    ['*.рф', 'a public suffix in Unicode'],
    ['*.localhost', 'a top-level name'],
    ['*.', 'no name'],
    ['*.*.example.com', 'two wildcards'],
    ['a.*.example.com', 'a wildcard inside'],
    ['*api.example.com', 'a wildcard within a label'],
    ['api*.example.com', 'a wildcard within a label'],
    ['example.*', 'a wildcard at the end'],
    ['\uff0a.com', 'a full-width wildcard'],
    ['*.192.0.2.1', 'a wildcard over an address'],
    ['*.[::1]', 'a wildcard over an IPv6 address'],
  ])('refuses %j: %s', (text) => {
    expect(parseHostPattern(text).kind).toBe('invalid');
  });

  it.each([
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.01',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    'example.0x',
    'example.1',
    '\uff11\uff12\uff17.0.0.1',
    '\uff10x7f.1',
    '::1',
    '[::1',
    '::1]',
    '[::1]x',
    '[]',
    '[:]',
    '[1::2::3]',
    '[12345::]',
    '[::1%25eth0]',
    '[fe80::1%eth0]',
    '[::ffff:010.0.0.1]',
    '[::ffff:0x7f.0.0.1]',
    '[127.0.0.1]',
    '[v1.a]',
  ])('refuses %j, which is an address in a form that is read in two ways, or none', (text) => {
    expect(parseHostPattern(text).kind).toBe('invalid');
  });

  it.each([
    '',
    '.',
    ' ',
    'a b',
    'a.example\n',
    '\ta.example',
    'a..example',
    '.a.example',
    'a.example..',
    '-a.example',
    'a-.example',
    'a.example:',
    'a.example:0',
    'a.example:65536',
    'a.example:-1',
    'a.example:+80',
    'a.example:80:80',
    'a.example:https',
    'https://a.example',
    'a.example/path',
    'a.example?x',
    'a.example#x',
    'user@a.example',
    'user:password@a.example',
    'a.example\\b',
    '%61.example',
    'a,b.example',
    'a!.example',
    'a\0.example',
    'xn--a.example',
    'xn--.example',
    'é\u2028.example',
    'é[.example',
    `${'a'.repeat(64)}.example`,
    `a${name253}`,
    `é.${'é.'.repeat(80)}example`,
  ])('refuses %j', (text) => {
    expect(parseHostPattern(text).kind).toBe('invalid');
  });

  it('does not quote what it refuses', () => {
    const parsed = parseHostPattern('user:sk-canary@host');
    expect(JSON.stringify(parsed)).not.toContain('canary');
  });
});

describe('hostPatternCovers', () => {
  it.each([
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['*.example.com', 'a.example.com.evil.net', false],
    ['example.com', 'a.example.com', false],
    ['example.com', 'example.com', true],
    ['[2001:DB8:0::1]', '[2001:db8::1]', true],
  ])('%s over %s: %s', (text, host, isCovered) => {
    expect(hostPatternCovers(pattern(text), host, 443)).toBe(isCovered);
  });

  it('covers 443 alone without a port, and one port alone with it', () => {
    expect(hostPatternCovers(pattern('a.example'), 'a.example', 80)).toBe(false);
    expect(hostPatternCovers(pattern('a.example'), 'a.example', 8443)).toBe(false);
    expect(hostPatternCovers(pattern('a.example:8443'), 'a.example', 8443)).toBe(true);
    expect(hostPatternCovers(pattern('a.example:8443'), 'a.example', 443)).toBe(false);
    expect(hostPatternCovers(pattern('a.example'), 'a.example', 80, [443, 80])).toBe(true);
  });
});
