import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ApiClient } from './api-client.ts';

afterEach(() => vi.unstubAllGlobals());

const failed = (code: string, syscall: string) => Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
const several = (...errors: Error[]) => Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });

/** What the client makes of a call that ends with `cause`. */
async function endOf(cause: Error): Promise<unknown> {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed', { cause })));
  const access = { apiUrl: 'http://gateway.example', authorization: 'x', proxyUrl: undefined, source: 'test' };
  return new ApiClient(access).call('POST', '/api/apply', z.unknown(), {}).catch((error: unknown) => error);
}

describe('a call that has no answer', () => {
  it.each([
    failed('ECONNREFUSED', 'connect'),
    failed('EHOSTUNREACH', 'connect'),
    failed('ENETUNREACH', 'connect'),
    failed('ENOTFOUND', 'getaddrinfo'),
    failed('EAI_AGAIN', 'getaddrinfo'),
    several(failed('ECONNREFUSED', 'connect'), failed('ENETUNREACH', 'connect')),
  ])('was never sent where no connection was made: $message', async (cause) => {
    expect(await endOf(cause)).toMatchObject({
      message: 'no gateway answers at http://gateway.example',
      wasSent: false,
    });
  });

  it.each([
    failed('EHOSTUNREACH', 'read'),
    failed('ENETUNREACH', 'write'),
    failed('ECONNREFUSED', 'read'),
    failed('ECONNRESET', 'read'),
    several(failed('ECONNREFUSED', 'connect'), failed('EHOSTUNREACH', 'read')),
    new AggregateError([]),
  ])('may have been sent where a connection ended: $message', async (cause) => {
    expect(await endOf(cause)).toMatchObject({ wasSent: true });
  });
});
