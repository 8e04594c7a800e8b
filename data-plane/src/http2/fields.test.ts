import { describe, expect, it } from 'vitest';
import {
  answerFields,
  payloadFraming,
  type RawFields,
  requestFields,
  requestHeadOf,
  responseHeadOf,
  trailerFields,
  trailersOf,
} from './fields.ts';

const start = [':method', 'GET', ':scheme', 'https', ':authority', 'api.example.com', ':path', '/v1?q=1'];

const headOf = (raw: RawFields) => {
  const read = requestHeadOf(raw);
  return read.kind === 'head' ? read.head : read.code;
};
const header = (name: string, value: string) => ({ name, rawName: name, value });

describe('requestHeadOf', () => {
  it('reads a request as HTTP/1.1 would have it', () => {
    expect(headOf([...start, 'accept', '*/*', 'te', 'trailers'])).toEqual({
      method: 'GET',
      target: '/v1?q=1',
      minor: 1,
      headers: [
        { name: 'host', rawName: 'Host', value: 'api.example.com' },
        header('accept', '*/*'),
        header('te', 'trailers'),
      ],
    });
  });

  it('joins Cookie fields, which HTTP/2 may split', () => {
    const head = headOf([...start, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2']);
    expect(head).toMatchObject({ headers: [{ name: 'host' }, header('x', 'y'), header('cookie', 'a=1; b=2')] });
  });

  it.each([
    ['the same Host', [...start, 'host', 'API.example.com:443'], 'api.example.com'],
    ['Host alone', [...start.slice(0, 4), ':path', '/', 'host', 'api.example.com'], 'api.example.com'],
  ])('takes %s', (_what, raw, host) => {
    expect(headOf(raw)).toMatchObject({ headers: [{ name: 'host', value: host }] });
  });

  it.each([
    ['another Host', 'other.example.com'],
    ['a Host of another port', 'api.example.com:80'],
    ['a Host that is none', 'a@b'],
  ])('refuses %s than :authority as misdirected', (_what, host) => {
    expect(headOf([...start, 'host', host])).toBe('MISDIRECTED');
  });

  it.each<[string, RawFields]>([
    ['no :method', start.slice(2)],
    ['a :method that is none', [':method', 'GET /x', ...start.slice(2)]],
    ['no :path', start.slice(0, 6)],
    ['no :authority and no Host', [...start.slice(0, 4), ':path', '/']],
    ['two hosts', [...start, 'host', 'api.example.com', 'host', 'api.example.com']],
    ['another scheme', [':method', 'GET', ':scheme', 'http', ...start.slice(4)]],
    ['a pseudo-header field twice', [...start, ':path', '/other']],
    ['extended CONNECT', [':method', 'CONNECT', ':protocol', 'websocket', ...start.slice(2)]],
    [':protocol', [...start, ':protocol', 'websocket']],
    ['a name in upper case', [...start, 'X-A', 'b']],
    ['a name that is no token', [...start, 'x a', 'b']],
    ['a line feed in a value', [...start, 'x', 'a\nb']],
    ['a carriage return in a value', [...start, 'x', 'a\rb']],
    ['a NUL in a value', [...start, 'x', 'a\0b']],
    ['Connection', [...start, 'connection', 'close']],
    ['Transfer-Encoding', [...start, 'transfer-encoding', 'chunked']],
    ['Upgrade', [...start, 'upgrade', 'websocket']],
    ['TE other than trailers', [...start, 'te', 'gzip']],
    ['two lengths', [...start, 'content-length', '1', 'content-length', '1']],
    ['two Authorization fields', [...start, 'authorization', 'a', 'authorization', 'b']],
  ])('refuses %s', (_what, raw) => {
    expect(headOf(raw)).toBe('BAD_REQUEST');
  });

  it('leaves CONNECT to be refused by its method', () => {
    expect(headOf([':method', 'CONNECT', ':authority', 'api.example.com:443'])).toMatchObject({ method: 'CONNECT' });
  });

  it('quotes nothing of what it refuses', () => {
    const read = requestHeadOf([...start, 'x-a', 'sk-secret\0']);
    expect(JSON.stringify(read)).not.toContain('sk-secret');
  });
});

describe('payloadFraming', () => {
  const head = (length?: string) => ({
    method: 'POST',
    target: '/',
    minor: 1 as const,
    headers: length === undefined ? [] : [header('content-length', length)],
  });

  it('is the declared length, or the end of the stream', () => {
    expect(payloadFraming(head('5'), false)).toEqual({ kind: 'length', lengthBytes: 5 });
    expect(payloadFraming(head(), false)).toEqual({ kind: 'chunked' });
    expect(payloadFraming(head(), true)).toEqual({ kind: 'none' });
  });

  it.each(['05', '+5', '5,5', '0x5', ''])('refuses the length %j', (length) => {
    expect(payloadFraming(head(length), false)).toMatchObject({ kind: 'fault' });
  });
});

describe('what is sent', () => {
  it('a request names its authority once, has its own length and welcomes trailers', () => {
    const headers = [
      header('host', 'api.example.com'),
      header('content-length', '9'),
      header('x', '1'),
      header('x', '2'),
    ];
    expect({ ...requestFields('POST', '/v1', headers, { kind: 'length', lengthBytes: 5 }) }).toEqual({
      ':method': 'POST',
      ':scheme': 'https',
      ':authority': 'api.example.com',
      ':path': '/v1',
      'content-length': '5',
      x: ['1', '2'],
      te: 'trailers',
    });
  });

  it('an answer keeps a length only where there is no payload to have one', () => {
    const answer = { status: 200, reason: '', headers: [['Content-Length', '5'] as const] };
    expect({ ...answerFields(answer, { kind: 'chunked' }) }).toEqual({ ':status': 200 });
    expect({ ...answerFields(answer, { kind: 'none' }) }).toEqual({ ':status': 200, 'content-length': '5' });
  });

  it('an answer has no connection-specific field, and one of each that there may be one of', () => {
    const headers = [
      header('connection', 'close'),
      header('date', 'a'),
      header('date', 'b'),
      header('set-cookie', 'c'),
    ];
    const fields = answerFields(
      { status: 200, reason: 'OK', headers: [...headers, header('set-cookie', 'd')] },
      { kind: 'chunked' },
    );
    expect({ ...fields }).toEqual({ ':status': 200, date: 'a', 'set-cookie': ['c', 'd'] });
  });

  it.each(['a\0b', 'a\nb', 'a\rb', '\u010a'])('never has the value %j: it would be another field', (value) => {
    expect(() => requestFields('GET', '/', [header('x', value)], { kind: 'none' })).toThrow(RangeError);
    expect(() => answerFields({ status: 200, reason: '', headers: [header('x', value)] }, { kind: 'none' })).toThrow(
      RangeError,
    );
    expect(() => trailerFields([header('x', value)])).toThrow(RangeError);
    expect(() => requestFields('GET', `/${value}`, [], { kind: 'none' })).toThrow(RangeError);
    expect(() => requestFields('GET', '/', [header('host', value)], { kind: 'none' })).toThrow(RangeError);
  });
});

describe('what is received', () => {
  it('a status that is none is no head', () => {
    expect(responseHeadOf([':status', '200', 'x', 'y'])).toMatchObject({ status: 200, headers: [header('x', 'y')] });
    for (const status of ['', '20', '2000', '099', 'abc']) expect(responseHeadOf([':status', status])).toBeUndefined();
    expect(responseHeadOf(['x', 'y'])).toBeUndefined();
  });

  it('trailers are without what may not come there', () => {
    const raw = [':status', '200', 'grpc-status', '0', 'content-length', '5', 'authorization', 'x', 'proxy-a', 'b'];
    expect(trailersOf(raw)).toEqual([header('grpc-status', '0')]);
  });
});
