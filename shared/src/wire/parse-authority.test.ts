import { describe, expect, it } from 'vitest';
import { parseAuthority } from './parse-authority.ts';

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('parseAuthority', () => {
  it.each([
    ['Api.OpenAI.com:443', 'api.openai.com', 443],
    ['a.example.:80', 'a.example', 80],
    ['localhost:65535', 'localhost', 65535],
    ['under_score.example:1', 'under_score.example', 1],
    ['1.2.3.4:80', '1.2.3.4', 80],
    ['1.2.3.4.:80', '1.2.3.4', 80],
    ['1.2.3.4.example:80', '1.2.3.4.example', 80],
    ['0xcafe.example:80', '0xcafe.example', 80],
    ['[::1]:80', '[::1]', 80],
    ['[2001:DB8:0:0::0001]:80', '[2001:db8::1]', 80],
    ['[::ffff:127.0.0.1]:80', '[::ffff:7f00:1]', 80],
    ['XN--BCHER-KVA.example:80', 'xn--bcher-kva.example', 80],
    [`${latin1('B\u00fccher.example')}:80`, 'xn--bcher-kva.example', 80],
    [`${latin1('a\u3002example')}:80`, 'a.example', 80],
  ])('reads %j as %s, port %d', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ kind: 'authority', host, port });
  });

  it('takes the default port only when none is given', () => {
    expect(parseAuthority('a.example', 443)).toMatchObject({ port: 443 });
    expect(parseAuthority('a.example:80', 443)).toMatchObject({ port: 80 });
    expect(parseAuthority('[::1]', 443)).toMatchObject({ host: '[::1]', port: 443 });
    expect(parseAuthority('a.example')).toMatchObject({ code: 'BAD_AUTHORITY' });
  });

  const hosts = [
    '',
    '.',
    'a..b',
    '.a',
    '-a.example',
    'a-.example',
    'a b',
    'a\tb',
    'a@b',
    'a%2eb',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a,b',
    'a_b*',
    "a'b",
    'a\0b',
    'a\r\nb',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
  ];
  const numbers = [
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f.0.0.1',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.01',
    '1.2.3.256',
    '1.2.3.4.5',
    '1.2.3',
    'a.1',
    'a.0x',
    'a.example.0x1f',
  ];
  const v6 = [
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[:::1]',
    '[1.2.3.4]',
    '[::1%eth0]',
    '[::1%25eth0]',
    '[v1.a]',
    '[::ffff:127.1]',
    '[[::1]]',
    '[::1]a',
  ];
  const unicode = [
    'xn--a',
    'xn--',
    'a\xfcb',
    'a\u0131b',
    latin1('a\uff05b'),
    latin1('\uff11\uff12\uff17.0.0.1'),
    latin1('a\uff0fb'),
    latin1('\u2100.example'),
    latin1('a\u200d\u0000'),
  ];
  const syntax = ['?b', '/b', '#b', '\\b', '\tb', ' b', '%2eb', '[b', ']b'].map((text) => latin1(`\u00fc${text}`));
  it.each([latin1('a@\u00fc'), ...syntax, ...hosts, ...numbers, ...v6, ...unicode])('refuses the host %j', (host) => {
    expect(parseAuthority(`${host}:80`)).toMatchObject({ kind: 'fault', code: 'BAD_AUTHORITY' });
  });

  it.each([':', ':0', ':65536', ':080', ':+80', ':-1', ':8a', ': 80', ':80 ', ':80:80', ':\u0661', ':100000', ':1e3'])(
    'refuses the port %j',
    (port) => {
      expect(parseAuthority(`a.example${port}`, 443)).toMatchObject({ kind: 'fault', code: 'BAD_AUTHORITY' });
    },
  );
});
