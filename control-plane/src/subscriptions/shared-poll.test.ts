import { describe, expect, it, vi } from 'vitest';
import { follow } from './follow.ts';
import { SharedPoll } from './shared-poll.ts';

const longMs = 60_000;

describe('a shared poll', () => {
  it('looks once for all who wait, and not at all while nobody does', async () => {
    let looks = 0;
    let state = 'a';
    const poll = new SharedPoll(
      2,
      () => {
        looks++;
        return Promise.resolve(state);
      },
      (each) => each,
    );
    const waiting = Promise.all(Array.from({ length: 400 }, () => poll.changedFrom('a', longMs)));
    await vi.waitFor(() => expect(looks).toBeGreaterThanOrEqual(5), { timeout: 20_000, interval: 1 });
    const before = looks;
    state = 'b';
    const found = await waiting;
    expect(found.every((each) => each?.state === 'b')).toBe(true);
    expect(looks).toBeLessThanOrEqual(before + 2);
    const after = looks;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).toBe(after);
  });

  it('says nothing of a state that is known, and tells everybody when it cannot look', async () => {
    const poll = new SharedPoll(1, () => Promise.resolve('a'), String);
    expect(await poll.changedFrom('a', 10)).toBeUndefined();
    expect(await poll.changedFrom(undefined, longMs)).toEqual({ state: 'a', key: 'a' });
    const broken = new SharedPoll(1, () => Promise.reject(new Error('away')), String);
    const both = await Promise.allSettled([broken.changedFrom('a', longMs), broken.changedFrom('b', longMs)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

describe('followers of what does not change', () => {
  it('read it once when they begin and once after the first look, however often it is looked at', async () => {
    let [looks, reads] = [0, 0];
    const poll = new SharedPoll(
      1,
      () => {
        looks++;
        return Promise.resolve('same');
      },
      String,
    );
    const next = () => {
      reads++;
      return [];
    };
    const followers = Array.from({ length: 400 }, () => follow({ poll, authorize: () => undefined, next }));
    for (const follower of followers) void follower.next();
    await vi.waitFor(() => expect(looks).toBeGreaterThanOrEqual(30), { timeout: 20_000, interval: 1 });
    expect(reads).toBe(800);
  });

  it('end when they may not follow any more, although nothing changes', async () => {
    let isAllowed = true;
    const poll = new SharedPoll(1, () => Promise.resolve('same'), String);
    const authorize = () => {
      if (!isAllowed) throw new Error('not any more');
    };
    let reads = 0;
    const next = () => {
      reads++;
      return [];
    };
    const following = follow({ poll, authorize, next }).next();
    // Not to be seen as unhandled before it is awaited.
    following.catch(() => undefined);
    await vi.waitFor(() => expect(reads).toBe(2), { timeout: 20_000, interval: 1 });
    isAllowed = false;
    await expect(following).rejects.toThrow('not any more');
  });
});
