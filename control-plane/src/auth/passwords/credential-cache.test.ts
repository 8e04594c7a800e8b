import { describe, expect, it, vi } from 'vitest';
import { CredentialCache } from './credential-cache.ts';

describe('CredentialCache', () => {
  it('asks once for all who ask at the same time, and again after its lifetime', async () => {
    let nowMs = 0;
    const cache = new CredentialCache<string>(1000, 10, () => nowMs);
    const verify = vi.fn(() => Promise.resolve('admin'));
    await Promise.all([cache.get('a', verify), cache.get('a', verify)]);
    nowMs = 999;
    expect(await cache.get('a', verify)).toBe('admin');
    expect(verify).toHaveBeenCalledTimes(1);
    nowMs = 1000;
    await cache.get('a', verify);
    expect(verify).toHaveBeenCalledTimes(2);
  });

  it('does not remember what failed', async () => {
    const cache = new CredentialCache<string>(1000);
    await expect(cache.get('a', () => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong');
    expect(await cache.get('a', () => Promise.resolve('right'))).toBe('right');
  });

  it('forgets all when told to, and the oldest when full', async () => {
    const cache = new CredentialCache<number>(1000, 2);
    const verify = vi.fn(() => Promise.resolve(1));
    for (const key of ['a', 'b', 'c', 'a']) await cache.get(key, verify);
    expect(verify).toHaveBeenCalledTimes(4);
    await cache.get('c', verify);
    expect(verify).toHaveBeenCalledTimes(4);
    cache.clear();
    await cache.get('c', verify);
    expect(verify).toHaveBeenCalledTimes(5);
  });
});
