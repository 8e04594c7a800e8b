import { describe, expect, it } from 'vitest';
import { refusal, refusalAnswer } from './answer.ts';

const refuse = (code: Parameters<typeof refusal>[0], isConnect = false, more: Parameters<typeof refusal>[2] = {}) => {
  const answer = refusalAnswer(refusal(code, 'It was refused — so.', more), 'r-1', isConnect);
  return { ...answer, headers: Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value])) };
};

describe('refusalAnswer', () => {
  it('carries the code in a header and a body that says what to do', () => {
    const { status, reason, headers, body } = refuse('POLICY_DENIED');
    expect([status, reason]).toEqual([403, 'Forbidden']);
    expect(headers).toMatchObject({
      'x-onecli-error': 'POLICY_DENIED',
      'x-onecli-request-id': 'r-1',
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(body)).toEqual({
      error: {
        code: 'POLICY_DENIED',
        message: 'It was refused — so.',
        hint: expect.stringContaining('onecli policy allow') as string,
        docs: 'http://onecli.internal/errors/POLICY_DENIED',
        requestId: 'r-1',
      },
    });
  });

  it('says the code in the reason phrase of a CONNECT', () => {
    expect(refuse('POLICY_DENIED', true).reason).toBe('POLICY_DENIED');
  });

  it('asks for Basic with a 407, which git waits for', () => {
    expect(refuse('PROXY_AUTH_REQUIRED').headers['proxy-authenticate']).toBe('Basic realm="onecli"');
    expect(refuse('POLICY_DENIED').headers).not.toHaveProperty('proxy-authenticate');
  });

  it('says when to come again where that helps', () => {
    expect(refuse('NOT_READY').headers['retry-after']).toBe('1');
    expect(refuse('NOT_READY', false, { retryAfterSeconds: 7 }).headers['retry-after']).toBe('7');
    const later = refusalAnswer(
      refusal('TOO_MANY_CERTIFICATES', 'Too fast.', { retryAfterSeconds: 12 }),
      'r-1',
    ).headers;
    expect(later).toContainEqual(['Retry-After', '12']);
    expect(refuse('SECRET_UNAVAILABLE').headers).not.toHaveProperty('retry-after');
  });

  it('tells SDKs whether the same request may succeed later', () => {
    expect(refuse('UPSTREAM_TIMEOUT').headers['x-should-retry']).toBe('true');
    expect(refuse('POLICY_DENIED').headers['x-should-retry']).toBe('false');
  });

  it('gives the hint of the moment where there is one', () => {
    expect(JSON.parse(refuse('POLICY_DENIED', false, { hint: 'Do this.' }).body)).toMatchObject({
      error: { hint: 'Do this.' },
    });
  });
});
