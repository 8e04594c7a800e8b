import { describe, expect, it } from 'vitest';
import { FewAtOnce } from './few-at-once.ts';
import type { Principal } from './principal.ts';

const user = (userId: string, more: Partial<Principal> = {}): Principal => ({
  kind: 'user',
  name: userId,
  userId,
  assignments: [],
  ...more,
});
const refused = { code: 'OVERLOADED', message: 'busy' };

/** Work that lasts until it is told to end. */
function held() {
  let resolve: (value: string) => void = () => undefined;
  const promise = new Promise<string>((done) => (resolve = done));
  return { work: () => promise, resolve: (value: string) => resolve(value) };
}

describe('FewAtOnce', () => {
  it('refuses the second of one principal, by a key of his too, and the third in all', async () => {
    const few = new FewAtOnce({ ofPrincipal: 1, inAll: 2 }, 'busy');
    const [one, other] = [held(), held()];
    const first = few.run(user('a'), one.work);
    await expect(few.run(user('a'), one.work)).rejects.toMatchObject(refused);
    await expect(few.run(user('a', { kind: 'key', name: 'k' }), one.work)).rejects.toMatchObject(refused);
    const second = few.run(user('b'), other.work);
    await expect(few.run(user('c'), other.work)).rejects.toMatchObject(refused);
    one.resolve('done');
    expect(await first).toBe('done');
    expect(await few.run(user('c'), () => Promise.resolve('c'))).toBe('c');
    other.resolve('done');
    await second;
  });

  it('lets some wait where there is a line, one principal not before the others, and none for ever', async () => {
    const line = { ofPrincipal: 1, inAll: 2, waitMs: 20 };
    const few = new FewAtOnce({ ofPrincipal: 1, inAll: 1, line }, 'busy');
    const [one, other] = [held(), held()];
    const first = few.run(user('a'), one.work);
    const second = few.run(user('a'), other.work);
    await expect(few.run(user('a'), other.work)).rejects.toMatchObject(refused);
    const third = few.run(user('b'), () => Promise.resolve('b'));
    await expect(few.run(user('c'), other.work)).rejects.toMatchObject(refused);
    one.resolve('first');
    expect(await first).toBe('first');
    await expect(third).rejects.toMatchObject(refused);
    other.resolve('second');
    expect(await second).toBe('second');
    expect(await few.run(user('c'), () => Promise.resolve('c'))).toBe('c');
  });

  it('counts what failed no longer', async () => {
    const few = new FewAtOnce({ ofPrincipal: 1, inAll: 1 }, 'busy');
    for (let round = 0; round < 3; round++)
      await expect(few.run(user('a'), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
