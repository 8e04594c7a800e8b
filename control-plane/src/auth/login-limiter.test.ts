import { describe, expect, it } from 'vitest';
import { LoginLimiter } from './login-limiter.ts';

const limits = { triesPerUser: 3, triesPerAddress: 5, windowSeconds: 60 };

describe('LoginLimiter', () => {
  it('refuses a user from one address after so many failed tries, and neither another user nor another address', async () => {
    const limiter = new LoginLimiter(limits);
    for (let i = 0; i < 3; i++) await limiter.count('10.0.0.1', 'admin');
    await expect(limiter.count('10.0.0.1', 'admin')).rejects.toMatchObject({ code: 'TOO_MANY_LOGINS' });
    await limiter.count('10.0.0.1', 'other');
    await limiter.count('10.0.0.2', 'admin');
  });

  it('refuses an address that tries one user after the other', async () => {
    const limiter = new LoginLimiter(limits);
    for (let i = 0; i < 5; i++) await limiter.count('10.0.0.1', `user${i}`);
    await expect(limiter.count('10.0.0.1', 'user9')).rejects.toMatchObject({ code: 'TOO_MANY_LOGINS' });
  });

  it('counts failures alone', async () => {
    const limiter = new LoginLimiter(limits);
    for (let i = 0; i < 20; i++) {
      await limiter.count('10.0.0.1', 'admin');
      await limiter.uncount('10.0.0.1', 'admin');
    }
  });
});
