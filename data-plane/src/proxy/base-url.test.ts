import { describe, expect, it } from 'vitest';
import type { RequestHead } from '../wire/head.ts';
import { isBaseUrl, readBaseUrl } from './base-url.ts';

const names = new Set(['gateway.corp']);

function headOf(target: string, fields: Record<string, string | string[]> = {}, minor: 0 | 1 = 1): RequestHead {
  const all: Record<string, string | string[]> = { Host: '127.0.0.1:10254', ...fields };
  const headers = Object.entries(all).flatMap(([rawName, values]) =>
    [values].flat().map((value) => ({ name: rawName.toLowerCase(), rawName, value })),
  );
  return { method: 'GET', target, minor, headers };
}

function read(target: string, fields: Record<string, string | string[]> = {}) {
  const based = readBaseUrl(headOf(target, fields), names);
  if (based.kind === 'refused') return { code: based.code, message: based.message };
  const { head } = based;
  const all = (name: string) => head.headers.filter((header) => header.name === name).map(({ value }) => value);
  return { target: head.target, host: all('host'), proxy: all('proxy-authorization'), head, all };
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('base-URL mode', () => {
  it('is what stands under /to/, in lower case', () => {
    expect(['/to/x', '/to', '/TO/x', '/to2/x', '//to/x', 'http://h/to/x'].map(isBaseUrl)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([
    ['/to/api.stripe.com/v1/charges?limit=3', 'https://api.stripe.com:443/v1/charges?limit=3'],
    ['/to/api.stripe.com', 'https://api.stripe.com:443/'],
    ['/to/api.stripe.com?x=/to/y@z', 'https://api.stripe.com:443/?x=/to/y@z'],
    ['/to/API.Stripe.com.:8443/a', 'https://api.stripe.com:8443/a'],
    ['/to/api.stripe.com/a%2Fb//c/..', 'https://api.stripe.com:443/a%2Fb//c/..'],
    ['/to/[2606:4700::0:1]:8443/x', 'https://[2606:4700::1]:8443/x'],
    ['/to/%5B2606:4700::1%5d/x', 'https://[2606:4700::1]:443/x'],
    ['/to/b%C3%BCcher.example/x', 'https://xn--bcher-kva.example:443/x'],
    ['/to/api.stripe.com/@evil.example', 'https://api.stripe.com:443/@evil.example'],
  ])('%s stands for %s, whatever follows the host untouched', (target, expected) => {
    const result = read(target);
    expect(result).toMatchObject({ target: expected, proxy: [] });
    expect(result.host).toEqual([expected.slice('https://'.length).replace(/(:\d+)\/.*$/, '$1')]);
  });

  it.each([
    '/to/',
    '/to//x',
    '/to/?x',
    '/to/@api.stripe.com/',
    '/to/a@b@api.stripe.com/',
    '/to/a:b:c@api.stripe.com/',
    '/to/a:@api.stripe.com/',
    '/to/:a@api.stripe.com/',
    '/to/a%40b@api.stripe.com/',
    '/to/a%3Ab@api.stripe.com/',
    '/to/evil.example%40api.stripe.com/',
    '/to/api.stripe.com%2Fx/',
    '/to/api.stripe.com%3A443/',
    '/to/api.stripe.com:0/',
    '/to/api.stripe.com:x/',
    '/to/api.stripe.com\\@evil.example/',
    '/to/api.stripe.com#@evil.example/',
    '/to/https://api.stripe.com/',
    '/to/0x7f.1/',
    '/to/127.1/',
    '/to/../health',
    '/to/%2e%2e/health',
  ])('%s names no host', (target) => {
    expect(read(target)).toMatchObject({ code: 'BAD_TARGET' });
  });

  it.each([
    ['/to/canary-token@api.stripe.com/v1', 'canary-token', ''],
    ['/to/my-agent:canary-token@api.stripe.com/v1', 'canary-token', 'my-agent'],
  ])(
    'a token in the path of %s becomes the credentials of the request and stands nowhere else',
    (target, token, agent) => {
      const result = read(target, { Referer: `http://127.0.0.1:10254${target}` });
      expect(result).toMatchObject({ target: 'https://api.stripe.com:443/v1', proxy: [basic(`${agent}:${token}`)] });
      expect(JSON.stringify(result.head)).not.toContain(token);
    },
  );

  it('no refusal quotes a token', () => {
    for (const target of ['/to/canary-token@/x', '/to/a:canary-token@b@c/x', '/to/canary-token!@api.stripe.com/'])
      expect(JSON.stringify(readBaseUrl(headOf(target), names))).not.toContain('canary-token');
  });

  it('takes the token of X-OneCLI-Agent-Token, which goes no further', () => {
    const result = read('/to/api.stripe.com/', { 'X-OneCLI-Agent-Token': 'tok' });
    expect(result.proxy).toEqual([basic(':tok')]);
    expect(result.all?.('x-onecli-agent-token')).toEqual([]);
  });

  it('takes a JWT for the token', () => {
    expect(read('/to/h.example/', { 'X-OneCLI-Agent-Token': 'e30.e30.c2ln' }).proxy).toEqual(['Bearer e30.e30.c2ln']);
    expect(read('/to/e30.e30.c2ln@h.example/').proxy).toEqual(['Bearer e30.e30.c2ln']);
    expect(read('/to/me:e30.e30.c2ln@h.example/').proxy).toEqual(['Bearer e30.e30.c2ln']);
  });

  it('takes the same token from header and path, and refuses two that differ', () => {
    expect(read('/to/me:tok@h.example/', { 'X-OneCLI-Agent-Token': 'tok' }).proxy).toEqual([basic('me:tok')]);
    expect(read('/to/tok@h.example/', { 'Proxy-Authorization': basic(':tok') }).proxy).toEqual([basic(':tok')]);
    expect(read('/to/tok@h.example/', { 'X-OneCLI-Agent-Token': 'other' })).toMatchObject({
      code: 'IDENTITY_CONFLICT',
    });
    expect(read('/to/h.example/', { 'X-OneCLI-Agent-Token': ['a', 'b'] })).toMatchObject({ code: 'IDENTITY_CONFLICT' });
    expect(read('/to/tok@h.example/', { 'Proxy-Authorization': basic('x:other') }).proxy).toHaveLength(2);
  });

  it('keeps a Referer that is not of the gateway', () => {
    expect(read('/to/h.example/', { Referer: 'https://docs.example/' }).all?.('referer')).toEqual([
      'https://docs.example/',
    ]);
  });

  it('needs the one Host that HTTP/1.1 asks for', () => {
    expect(read('/to/h.example/', { Host: ['127.0.0.1', '127.0.0.1'] })).toMatchObject({ code: 'BAD_REQUEST' });
    const without = { ...headOf('/to/h.example/'), headers: [] };
    expect(readBaseUrl(without, names)).toMatchObject({ code: 'BAD_REQUEST' });
    expect(readBaseUrl({ ...without, minor: 0 }, names)).toMatchObject({ kind: 'based' });
  });
});

describe('a page in a browser', () => {
  const pages = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
    { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' },
  ];

  it.each(pages)('with %o acts for no agent, not with a token in the URL either', (fields) => {
    expect(read('/to/h.example/', fields)).toMatchObject({ code: 'BROWSER_REFUSED' });
    expect(read('/to/tok@h.example/', fields)).toMatchObject({ code: 'BROWSER_REFUSED' });
  });

  it.each(pages)('with %o and a token in a header is an agent that looks like one', (fields) => {
    expect(read('/to/h.example/', { ...fields, 'X-OneCLI-Agent-Token': 'tok' }).proxy).toHaveLength(1);
  });

  it("is not what Node's fetch or a library looks like", () => {
    for (const fields of [{ 'Sec-Fetch-Mode': 'cors', 'User-Agent': 'node' }, { 'User-Agent': 'stripe-node/17' }])
      expect(read('/to/h.example/', fields)).toMatchObject({ target: 'https://h.example:443/' });
  });

  it.each([
    'rebound.evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:10254',
    '',
    'a@localhost',
    '0x7f000001',
  ])('cannot have its own name %j stand for the gateway when no token is sent', (Host) => {
    const result = read('/to/h.example/', { Host });
    expect(['GATEWAY_NAME_UNKNOWN', 'BAD_REQUEST']).toContain(result.code);
  });

  it.each(['localhost:10254', 'LOCALHOST', '10.1.2.3:10254', '[::1]:10254', 'Gateway.Corp:10254'])(
    'the gateway itself is %s',
    (Host) => expect(read('/to/h.example/', { Host })).toMatchObject({ target: 'https://h.example:443/' }),
  );

  it('a token makes the name of no matter', () => {
    expect(read('/to/tok@h.example/', { Host: 'gw.elsewhere' })).toMatchObject({ target: 'https://h.example:443/' });
    expect(read('/to/h.example/', { Host: 'gw.elsewhere', 'X-OneCLI-Agent-Token': 't' })).toMatchObject({
      target: 'https://h.example:443/',
    });
  });
});
