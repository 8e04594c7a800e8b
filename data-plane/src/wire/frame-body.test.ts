import { describe, expect, it } from 'vitest';
import { BodyReader, requestFraming, responseFraming } from './frame-body.ts';
import type { Header } from './head.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const fields = (...lines: [string, string][]): Header[] =>
  lines.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value }));
const request = (method: string, ...lines: [string, string][]) =>
  ({ method, target: '/', minor: 1, headers: fields(...lines) }) as const;
const response = (status: number, ...lines: [string, string][]) =>
  ({ status, reason: '', minor: 1, headers: fields(...lines) }) as const;

describe('requestFraming', () => {
  it('gives none without framing headers, whatever the method', () => {
    expect(requestFraming(request('POST'))).toEqual({ kind: 'none' });
  });

  it('gives the largest exact length and refuses one more', () => {
    const largest = String(Number.MAX_SAFE_INTEGER);
    expect(requestFraming(request('POST', ['Content-Length', largest]))).toEqual({
      kind: 'length',
      lengthBytes: Number.MAX_SAFE_INTEGER,
    });
    expect(requestFraming(request('POST', ['Content-Length', '9007199254740992']))).toMatchObject({
      code: 'BAD_FRAMING',
    });
  });

  it('takes chunked in any letter case, since it never sends that text on', () => {
    expect(requestFraming(request('POST', ['Transfer-Encoding', 'Chunked']))).toEqual({ kind: 'chunked' });
  });

  it.each<[string, 0 | 1, [string, string][]]>([
    [
      'a length beside a coding',
      1,
      [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    [
      'a coding beside a length',
      1,
      [
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '0'],
      ],
    ],
    [
      'two lengths',
      1,
      [
        ['Content-Length', '5'],
        ['Content-Length', '6'],
      ],
    ],
    ['two lengths in one', 1, [['Content-Length', '5, 5']]],
    [
      'two codings',
      1,
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    ['a coding before chunked', 1, [['Transfer-Encoding', 'gzip, chunked']]],
    ['another coding', 1, [['Transfer-Encoding', 'identity']]],
    ['a coding with a parameter', 1, [['Transfer-Encoding', 'chunked;q=1']]],
    ['a coding in HTTP/1.0', 0, [['Transfer-Encoding', 'chunked']]],
    ['a sign', 1, [['Content-Length', '+5']]],
    ['another base', 1, [['Content-Length', '0x5']]],
    ['a leading zero', 1, [['Content-Length', '05']]],
  ])('refuses %s', (_what, minor, lines) => {
    expect(requestFraming({ ...request('POST', ...lines), minor })).toMatchObject({ code: 'BAD_FRAMING' });
  });

  it('lets CONNECT and Upgrade say that they have no body', () => {
    expect(requestFraming(request('CONNECT', ['Content-Length', '0']))).toEqual({ kind: 'length', lengthBytes: 0 });
    expect(requestFraming(request('GET', ['Upgrade', 'websocket'], ['Content-Length', '0']))).toMatchObject({
      kind: 'length',
    });
    expect(requestFraming(request('CONNECT', ['Content-Length', '1']))).toMatchObject({ code: 'BAD_FRAMING' });
    expect(requestFraming(request('POST', ['Upgrade', 'h2c'], ['Content-Length', '1']))).toMatchObject({
      code: 'BAD_FRAMING',
    });
  });
});

describe('responseFraming', () => {
  it('knows the answers that have no body, whatever they declare', () => {
    const length: [string, string] = ['Content-Length', '5'];
    expect(responseFraming(response(200, length), 'HEAD')).toEqual({ kind: 'none' });
    expect(responseFraming(response(200, length), 'CONNECT')).toEqual({ kind: 'none' });
    for (const status of [100, 103, 204, 304])
      expect(responseFraming(response(status, length), 'GET')).toEqual({ kind: 'none' });
    for (const status of [200, 205, 403])
      expect(responseFraming(response(status, length), 'GET')).toEqual({ kind: 'length', lengthBytes: 5 });
    expect(responseFraming(response(403, length), 'CONNECT')).toEqual({ kind: 'length', lengthBytes: 5 });
  });

  it('reads until the end when nothing is declared', () => {
    expect(responseFraming(response(200), 'GET')).toEqual({ kind: 'close' });
  });

  it('refuses ambiguous framing even where there is no body', () => {
    const twice = response(200, ['Content-Length', '5'], ['Content-Length', '5']);
    expect(responseFraming(twice, 'HEAD')).toMatchObject({ code: 'BAD_FRAMING' });
    expect(responseFraming({ ...response(200, ['Transfer-Encoding', 'chunked']), minor: 0 }, 'GET')).toMatchObject({
      code: 'BAD_FRAMING',
    });
  });
});

describe('BodyReader', () => {
  it('is done at once when there is no body', () => {
    for (const framing of [{ kind: 'none' }, { kind: 'length', lengthBytes: 0 }] as const) {
      const reader = new BodyReader(framing);
      expect(reader.isDone).toBe(true);
      expect(reader.read(bytesOf('next'))).toEqual({ kind: 'body', chunks: [], done: true, consumedBytes: 0 });
      expect(reader.end()).toEqual({ kind: 'complete' });
    }
  });

  it('takes no more than the length, as views of what it was fed', () => {
    const reader = new BodyReader({ kind: 'length', lengthBytes: 3 });
    expect(reader.read(bytesOf('a'))).toMatchObject({ done: false, consumedBytes: 1 });
    const bytes = bytesOf('bcGET');
    const read = reader.read(bytes);
    expect(read).toEqual({ kind: 'body', chunks: [bytesOf('bc')], done: true, consumedBytes: 2 });
    expect(read.kind === 'body' && read.chunks[0]?.buffer === bytes.buffer).toBe(true);
  });

  it('gives the payload of chunks without their framing', () => {
    const reader = new BodyReader({ kind: 'chunked' });
    const read = reader.read(bytesOf('3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nnext'));
    expect(read).toEqual({
      kind: 'body',
      chunks: [bytesOf('abc'), bytesOf('0123456789')],
      done: true,
      consumedBytes: 32,
    });
  });

  it('keeps ordinary trailers and drops those that would frame, route or authorise', () => {
    const reader = new BodyReader({ kind: 'chunked' });
    const names = [
      'Content-Length',
      'Transfer-Encoding',
      'Host',
      'Authorization',
      'Cookie',
      'Set-Cookie',
      'Proxy-Authorization',
      'X-OneCLI-Run',
      'Connection',
    ];
    reader.read(bytesOf(`0\r\n${names.map((name) => `${name}: 1\r\n`).join('')}grpc-`));
    const read = reader.read(bytesOf('status: 0\r\n\r\nnext'));
    expect(read).toMatchObject({ done: true, consumedBytes: 'status: 0\r\n\r\n'.length });
    expect(reader.trailers).toEqual([{ name: 'grpc-status', rawName: 'grpc-status', value: '0' }]);
  });

  it('holds trailers no longer than their limit', () => {
    const reader = new BodyReader({ kind: 'chunked' }, { maxTrailerBytes: 10 });
    expect(reader.read(bytesOf('0\r\nA: 456789'))).toMatchObject({ kind: 'body', done: false });
    expect(reader.read(bytesOf('9'))).toMatchObject({ code: 'BAD_TRAILER' });
  });

  it('bounds chunk extensions over the whole body', () => {
    const reader = new BodyReader({ kind: 'chunked' }, { maxChunkExtensionBytes: 4 });
    expect(reader.read(bytesOf('1;ab\r\nx\r\n1;cd\r\nx\r\n'))).toMatchObject({ kind: 'body' });
    expect(reader.read(bytesOf('1;e'))).toMatchObject({ code: 'BAD_CHUNK' });
  });

  it('says that a body was cut short, and that one until the end was not', () => {
    const half = new BodyReader({ kind: 'length', lengthBytes: 3 });
    half.read(bytesOf('ab'));
    expect(half.end()).toMatchObject({ code: 'TRUNCATED' });
    const noLastChunk = new BodyReader({ kind: 'chunked' });
    noLastChunk.read(bytesOf('3\r\nabc\r\n'));
    expect(noLastChunk.end()).toMatchObject({ code: 'TRUNCATED' });
    const untilEnd = new BodyReader({ kind: 'close' });
    expect(untilEnd.read(bytesOf('ab'))).toMatchObject({ done: false, consumedBytes: 2 });
    expect(untilEnd.end()).toEqual({ kind: 'complete' });
  });

  it('stays at its fault', () => {
    const reader = new BodyReader({ kind: 'chunked' });
    const fault = reader.read(bytesOf('x'));
    expect(fault).toMatchObject({ code: 'BAD_CHUNK' });
    expect(reader.read(bytesOf('0\r\n\r\n'))).toBe(fault);
    expect(reader.end()).toBe(fault);
  });
});
