import { describe, expect, it } from 'vitest';
import { parseResponseHead } from '../wire/parse-head.ts';
import { answer, answerRefusal, type AnswerOptions, refusal } from './answer.ts';

const limits = { maxHeadBytes: 65_536, maxHeaders: 100 };
const options: AnswerOptions = { requestId: 'r-1', isClosing: false, method: 'GET' };

function read(bytes: Buffer) {
  const parsed = parseResponseHead(bytes, limits);
  if (parsed.kind !== 'head') throw new Error(parsed.kind);
  const headers = Object.fromEntries(parsed.head.headers.map(({ name, value }) => [name, value]));
  return { ...parsed.head, headers, body: bytes.toString('utf8', parsed.consumedBytes) };
}
const refuse = (code: Parameters<typeof refusal>[0], change: Partial<AnswerOptions> = {}) =>
  answerRefusal(refusal(code, 'It was refused — so.'), { ...options, ...change });

describe('answerRefusal', () => {
  it('carries the code in a header and a body that says what to do', () => {
    const { status, reason, headers, body } = read(refuse('POLICY_DENIED').bytes);
    expect([status, reason]).toEqual([403, 'Forbidden']);
    expect(headers).toMatchObject({
      'x-onecli-error': 'POLICY_DENIED',
      'x-onecli-request-id': 'r-1',
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
    });
    expect(headers).not.toHaveProperty('connection');
    expect(JSON.parse(body)).toEqual({
      error: {
        code: 'POLICY_DENIED',
        message: 'It was refused — so.',
        hint: expect.stringContaining('onecli policy allow') as string,
        requestId: 'r-1',
      },
    });
  });

  it('answers HEAD with the length and without the body', () => {
    const { bytes, bodyBytes } = refuse('POLICY_DENIED', { method: 'HEAD' });
    const { headers, body } = read(bytes);
    expect([body, bodyBytes]).toEqual(['', 0]);
    expect(headers['content-length']).toBe(String(refuse('POLICY_DENIED').bodyBytes));
  });

  it('says the code in the reason phrase of a CONNECT', () => {
    expect(read(refuse('POLICY_DENIED', { isConnect: true }).bytes).reason).toBe('POLICY_DENIED');
  });

  it('asks for Basic with a 407, which git waits for', () => {
    expect(read(refuse('PROXY_AUTH_REQUIRED').bytes).headers['proxy-authenticate']).toBe('Basic realm="onecli"');
    expect(read(refuse('POLICY_DENIED').bytes).headers).not.toHaveProperty('proxy-authenticate');
  });

  it('says when to come again where that helps', () => {
    expect(read(refuse('NOT_READY').bytes).headers['retry-after']).toBe('1');
    expect(read(refuse('SECRET_UNAVAILABLE').bytes).headers).not.toHaveProperty('retry-after');
  });

  it('says that the connection ends when it does', () => {
    expect(read(refuse('BAD_REQUEST', { isClosing: true }).bytes).headers.connection).toBe('close');
  });

  it('gives the same bytes for a placeholder that does not exist and one that is not granted', () => {
    const first = read(answerRefusal(refusal('PLACEHOLDER_NOT_GRANTED', 'm'), options).bytes);
    const second = read(answerRefusal(refusal('PLACEHOLDER_NOT_GRANTED', 'm'), options).bytes);
    expect({ ...first, headers: { ...first.headers, date: '' } }).toEqual({
      ...second,
      headers: { ...second.headers, date: '' },
    });
  });
});

describe('answer', () => {
  it('counts bytes, not characters', () => {
    const { bytes, bodyBytes } = answer(200, 'OK', [], 'ü€');
    expect(bodyBytes).toBe(5);
    expect(read(bytes)).toMatchObject({ body: 'ü€' });
    expect(read(bytes).headers['content-length']).toBe('5');
  });

  it('never lets a line break into a header', () => {
    expect(() => answer(200, 'OK', [['X', 'a\r\nSet-Cookie: b']], '')).toThrow(RangeError);
    expect(() => answer(200, 'OK\r\nX: y', [], '')).toThrow(RangeError);
  });
});
