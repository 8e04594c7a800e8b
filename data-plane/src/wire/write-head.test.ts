import { describe, expect, it } from 'vitest';
import { type Header, ParsedHeader } from './head.ts';
import { encodeChunk, lastChunk, writeRequestHead, writeResponseHead } from './write-head.ts';

const none = { kind: 'none' } as const;

describe('writeRequestHead', () => {
  it('frames by what it is given and by nothing among the headers', () => {
    const headers = [
      { name: 'host', rawName: 'Host', value: 'a' },
      ['content-LENGTH', '9'],
      { name: 'transfer-encoding', rawName: 'Transfer-Encoding', value: 'gzip' },
      ['X-A', ''],
    ] as const;
    expect(writeRequestHead('POST', '/', headers, { kind: 'length', lengthBytes: 3 })).toBe(
      'POST / HTTP/1.1\r\nHost: a\r\nX-A: \r\nContent-Length: 3\r\n\r\n',
    );
    expect(writeRequestHead('POST', '/', headers, { kind: 'chunked' })).toBe(
      'POST / HTTP/1.1\r\nHost: a\r\nX-A: \r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    expect(writeRequestHead('GET', '/', headers, none)).toBe('GET / HTTP/1.1\r\nHost: a\r\nX-A: \r\n\r\n');
    expect(() => writeRequestHead('GET', '/', [], { kind: 'close' })).toThrow(RangeError);
  });

  it('throws rather than send what would read as another message, and does not quote it', () => {
    const values = ['CANARY\r\nX-B: c', 'CANARY\n', 'CANARY\r', 'CANARY\0', 'CANARY\u010a', 'CANARY\x7f'];
    for (const value of values)
      expect(() => writeRequestHead('GET', '/', [['X-A', value]], none)).toThrow(/^a header value/);
    for (const name of ['', 'X A', 'X:A', 'X\r\nA', 'X\n'])
      expect(() => writeRequestHead('GET', '/', [[name, 'b']], none)).toThrow(/^a header name/);
    for (const target of ['', '/ HTTP/1.1\r\nX: y', '/a b', '/\xe9', '/\n'])
      expect(() => writeRequestHead('GET', target, [], none)).toThrow(/^the request target/);
    // A parsed field was checked as it was read; whoever changes it makes another object, and that is checked.
    const parsed = new ParsedHeader('x-a', 'X-A', 'b', false);
    const changed: Header = Object.assign({}, parsed, { value: 'b\r\nX-B: c' });
    expect(() => writeRequestHead('GET', '/', [parsed], none)).not.toThrow();
    expect(() => writeRequestHead('GET', '/', [changed], none)).toThrow(/^a header value/);
    for (const method of ['', 'GET ', 'GET\n', 'G T'])
      expect(() => writeRequestHead(method, '/', [], none)).toThrow(/^the method/);
  });
});

describe('writeResponseHead', () => {
  const length = [['Content-Length', '7']] as const;

  it('keeps the length of an answer without a body where it tells something, and only there', () => {
    expect(writeResponseHead(200, 'OK', length, none)).toBe('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n');
    expect(writeResponseHead(304, '', length, none)).toBe('HTTP/1.1 304 \r\nContent-Length: 7\r\n\r\n');
    for (const status of [100, 204])
      expect(writeResponseHead(status, '', length, none)).toBe(`HTTP/1.1 ${status} \r\n\r\n`);
    expect(writeResponseHead(200, '', length, { kind: 'close' })).toBe('HTTP/1.1 200 \r\n\r\n');
    expect(writeResponseHead(200, '', length, { kind: 'chunked' })).toBe(
      'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n',
    );
  });

  it('throws for a status or a reason that is none', () => {
    for (const status of [99, 1000, 200.5, Number.NaN])
      expect(() => writeResponseHead(status, '', [], none)).toThrow(RangeError);
    expect(() => writeResponseHead(200, 'O\r\nK', [], none)).toThrow(RangeError);
  });
});

describe('encodeChunk', () => {
  it('frames a payload without copying it', () => {
    const payload = Buffer.alloc(26, 'x');
    const buffers = encodeChunk(payload);
    expect(Buffer.concat(buffers).toString()).toBe(`1a\r\n${'x'.repeat(26)}\r\n`);
    expect(buffers[1]).toBe(payload);
  });

  it('never makes the last chunk of an empty payload', () => {
    expect(encodeChunk(Buffer.alloc(0))).toEqual([]);
    expect(lastChunk.toString()).toBe('0\r\n\r\n');
  });
});
