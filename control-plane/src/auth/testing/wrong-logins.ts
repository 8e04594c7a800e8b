import { vi } from 'vitest';
import { basic, type Served } from '../../api/testing/serve.ts';
import { LoginLimiter, TooManyLogins } from '../sessions/login-limiter.ts';
import { callAs } from './people.ts';

/** Wrong logins of a user from this address until no more are looked at, at a time when no right one is remembered any more. */
export async function wrongLogins(api: Served, user: string): Promise<void> {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
  const limiter = new LoginLimiter(api.database);
  const count = (): Promise<never> => limiter.count('127.0.0.1', user).then(() => count());
  await count().catch((error: unknown) => {
    if (!(error instanceof TooManyLogins)) throw error;
  });
  const { status } = await callAs(api, basic(user, 'wrong'), 'GET', '/api/me');
  if (status !== 429) throw new Error(`A wrong login was answered ${status}`);
}
