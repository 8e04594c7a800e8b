import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readProxyHeader } from './proxy-protocol.ts';

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'));
const signature = '0d0a0d0a000d0a515549540a';
const version2 = (rest: string): Buffer => Buffer.from(signature + rest, 'hex');

describe('readProxyHeader', () => {
  it.each([
    ['PROXY TCP4 198.51.100.7 203.0.113.1 56324 443\r\nGET', '198.51.100.7', 47],
    ['PROXY TCP6 2001:DB8::7 2001:db8::1 56324 443\r\n', '2001:db8::7', 46],
    ['PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n', '198.51.100.7', 40],
    ['PROXY UNKNOWN\r\n', undefined, 15],
    ['PROXY UNKNOWN 198.51.100.7 203.0.113.1 1 2\r\n', undefined, 44],
  ])('reads %j', (text, source, consumedBytes) => {
    expect(read(text)).toEqual({ kind: 'header', source, consumedBytes });
  });

  it.each([
    'PROXY TCP4 198.51.100.7 203.0.113.1 56324\r\n',
    'PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n',
    'PROXY TCP6 198.51.100.7 203.0.113.1 1 2\r\n',
    'PROXY TCP4 198.51.100.07 203.0.113.1 1 2\r\n',
    'PROXY TCP4 198.51.100.256 203.0.113.1 1 2\r\n',
    'PROXY TCP4 198.51.100.7 203.0.113.1 1 65536\r\n',
    'PROXY TCP4  198.51.100.7 203.0.113.1 1 2\r\n',
    'PROXY TCP4 198.51.100.7 203.0.113.1 1 2 \r\n',
    'PROXY TCP4 198.51.100.7\n203.0.113.1 1 2\r\n',
    'PROXY UDP4 198.51.100.7 203.0.113.1 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY \r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
  ])('does not understand %j', (text) => {
    expect(read(text).kind).toBe('malformed');
  });

  it.each([
    ['TCP over IPv4', '2111000cc6336407cb007101dc0401bb', '198.51.100.7', 28],
    [
      'TCP over IPv6',
      `21210024${'20010db8000000000000000000000007'}${'20010db8000000000000000000000001'}dc0401bb`,
      '2001:db8::7',
      52,
    ],
    ['an extension after the addresses', '21110010c6336407cb007101dc0401bb04000100', '198.51.100.7', 32],
    ['its own health check (LOCAL)', '20000000', undefined, 16],
    ['LOCAL with addresses', '2011000cc6336407cb007101dc0401bb', undefined, 28],
    ['a UNIX socket', `213100d8${'00'.repeat(216)}`, undefined, 232],
    ['an unknown family', '21000000', undefined, 16],
  ])('reads version 2: %s', (_name, rest, source, consumedBytes) => {
    expect(readProxyHeader(version2(rest))).toEqual({ kind: 'header', source, consumedBytes });
  });

  it.each([
    ['another version', '1111000cc6336407cb007101dc0401bb'],
    ['an unknown command', '2211000cc6336407cb007101dc0401bb'],
    ['addresses that are cut short', '21110004c6336407'],
    ['more than there is any use for', '2111ffff'],
  ])('does not understand version 2 with %s', (_name, rest) => {
    expect(readProxyHeader(version2(rest)).kind).toBe('malformed');
  });

  it.each([
    'GET / HTTP/1.1\r\n',
    'CONNECT a:443 HTTP/1.1\r\n',
    'PROPFIND / HTTP/1.1\r\n',
    'POST /',
    'PUT /',
    'proxy TCP4 ',
    '\r\nGET /',
    '\x16\x03\x01',
  ])('sees no header in %j', (text) => {
    expect(read(text)).toEqual({ kind: 'none' });
  });

  it('comes to the same whole as byte by byte, and never asks for less than it has', () => {
    const headers = [
      Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.1 56324 443\r\n'),
      version2('2111000cc6336407cb007101dc0401bb'),
      version2('21110010c6336407cb007101dc0401bb04000100'),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 20 }), (header, rest) => {
        const bytes = Buffer.concat([header, rest]);
        const whole = readProxyHeader(bytes);
        for (let length = 0; length < header.length; length++) {
          const part = readProxyHeader(bytes.subarray(0, length));
          expect(part.kind).toBe('incomplete');
          if (part.kind === 'incomplete') expect(part.neededBytes).toBeGreaterThan(length);
        }
        expect(readProxyHeader(header)).toEqual(whole);
        expect(whole).toMatchObject({ kind: 'header', consumedBytes: header.length });
      }),
      { numRuns: 50 },
    );
  });

  it('never throws, whatever comes', () => {
    const start = fc.constantFrom(Buffer.from('PROXY '), Buffer.from(signature, 'hex'), Buffer.alloc(0));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
        const result = readProxyHeader(Buffer.concat([head, rest]));
        if (result.kind === 'header') expect(result.consumedBytes).toBeLessThanOrEqual(head.length + rest.length);
      }),
      { numRuns: 2000 },
    );
  });
});
