import { describe, expect, it } from 'vitest';
import { refusal, refusalAnswer } from '../proxy/answer.ts';
import { grpcAnswer, isGrpc } from './grpc-refusal.ts';

describe('isGrpc', () => {
  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc;x=y', 'Application/GRPC'])('%s', (type) => {
    expect(isGrpc(type)).toBe(true);
  });
  it.each([undefined, '', 'application/json', 'application/grpcx', 'application/grpc-web'])('not %s', (type) => {
    expect(isGrpc(type)).toBe(false);
  });
});

describe('grpcAnswer', () => {
  const answerTo = (code: Parameters<typeof refusal>[0], message = 'No.') =>
    grpcAnswer(refusalAnswer(refusal(code, message), 'r-1'), 'application/grpc+proto');
  const value = (answer: ReturnType<typeof grpcAnswer>, name: string) =>
    answer.headers.find(([header]) => header === name)?.[1];

  it.each([
    ['POLICY_DENIED', '7'],
    ['PLACEHOLDER_NOT_BOUND', '7'],
    ['PROXY_AUTH_INVALID', '16'],
    ['UPSTREAM_UNREACHABLE', '14'],
    ['DRAINING', '14'],
    ['UPSTREAM_TIMEOUT', '4'],
    ['REQUEST_TIMEOUT', '4'],
    ['TOO_MANY_RESETS', '8'],
    ['BAD_TARGET', '3'],
    ['METHOD_NOT_ALLOWED', '12'],
    ['INTERNAL', '13'],
  ] as const)('says of %s the gRPC status %s, and the code itself', (code, status) => {
    const answer = answerTo(code);
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(value(answer, 'grpc-status')).toBe(status);
    expect(value(answer, 'x-onecli-error')).toBe(code);
    expect(value(answer, 'x-onecli-request-id')).toBe('r-1');
    expect(value(answer, 'content-type')).toBe('application/grpc+proto');
  });

  it('writes the message in octets that a field may have', () => {
    expect(value(answerTo('POLICY_DENIED', 'a b%c é\n'), 'grpc-message')).toBe('a b%25c %C3%A9%0A');
  });
});
