import { describe, expect, it } from 'vitest';
import { type LeaderJob, LeaderJobs } from './leader-jobs.ts';

const nothing = (): void => undefined;

/** Jobs under a leadership that the test gives and takes. */
function world(jobs: readonly LeaderJob[], maxLookMs?: number) {
  const state = { isHeld: true, isReleased: false };
  const told: string[] = [];
  const errors: string[] = [];
  const leader = new LeaderJobs({
    leadership: {
      isHeld: () => Promise.resolve(state.isHeld),
      release: () => {
        state.isReleased = true;
        return Promise.resolve();
      },
    },
    jobs,
    log: { info: nothing, error: (_fields, message) => void errors.push(message) },
    led: (isLeading) => void told.push(isLeading ? 'leads' : 'follows'),
    looked: (job, isDone) => void (isDone || told.push(`${job} failed`)),
    ...(maxLookMs !== undefined && { maxLookMs }),
  });
  return { state, told, errors, leader };
}

const patiently = { timeout: 10_000, interval: 20 };

describe('LeaderJobs', () => {
  it('looks while this process leads, ends the looks under way when it does not, and begins anew when it does again', async () => {
    const seen: string[] = [];
    const job: LeaderJob = {
      name: 'job',
      everyMs: 5,
      look: (signal) => {
        seen.push('look');
        return seen.length < 3
          ? Promise.resolve()
          : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      lost: () => void seen.push('lost'),
    };
    const { state, told, leader } = world([job]);
    leader.start();
    await expect.poll(() => seen, patiently).toEqual(['lost', 'look', 'look']);
    await expect.poll(() => told, patiently).toEqual(['follows', 'leads']);
    state.isHeld = false;
    await expect.poll(() => told, patiently).toEqual(['follows', 'leads', 'follows']);
    await expect.poll(() => seen.filter((what) => what === 'lost').length, patiently).toBeGreaterThan(1);
    const before = seen.filter((what) => what === 'look').length;
    state.isHeld = true;
    await expect.poll(() => seen.filter((what) => what === 'look').length, patiently).toBeGreaterThan(before);
    await leader.stop();
    expect(state.isReleased).toBe(true);
    const ended = seen.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toHaveLength(ended);
  });

  it('lets no job that fails or waits hold up another, tells of a failure once, and tries again', async () => {
    let tries = 0;
    let others = 0;
    const failing = { name: 'failing', everyMs: 5, look: () => Promise.reject(new Error(`no ${(tries += 1)}`)) };
    const stuck = {
      name: 'stuck',
      everyMs: 5,
      look: (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    };
    const other = { name: 'other', everyMs: 5, look: () => Promise.resolve(void (others += 1)) };
    const { errors, told, leader } = world([failing, stuck, other]);
    leader.start();
    await expect.poll(() => tries > 3 && others > 3, patiently).toBe(true);
    expect(errors).toHaveLength(1);
    expect(told).toContain('failing failed');
    await leader.stop();
  });

  it('does all other jobs when it leads again while a look of the term before hangs', async () => {
    let others = 0;
    let settle: () => void = nothing;
    const answer = new Promise<void>((resolve) => (settle = resolve));
    // It waits for an answer and does not hear of the signal.
    const hung = { name: 'hung', everyMs: 5, look: () => answer };
    const other = { name: 'other', everyMs: 5, look: () => Promise.resolve(void (others += 1)) };
    const { state, told, leader } = world([hung, other]);
    leader.start();
    await expect.poll(() => others, patiently).toBeGreaterThan(0);
    state.isHeld = false;
    await expect.poll(() => told, patiently).toEqual(['follows', 'leads', 'follows']);
    const before = others;
    state.isHeld = true;
    await expect.poll(() => others, patiently).toBeGreaterThan(before);
    settle();
    await leader.stop();
  });

  it('leads no more when a look does not end: the lock is let go, for another process to lead', async () => {
    const hung = { name: 'hung', everyMs: 5, look: () => new Promise<void>((resolve) => (settle = resolve)) };
    let settle: () => void = nothing;
    const { state, told, errors, leader } = world([hung], 50);
    leader.start();
    await expect.poll(() => told, patiently).toEqual(['follows', 'leads', 'hung failed', 'follows']);
    expect(state.isReleased).toBe(true);
    expect(errors).toEqual([expect.stringContaining('hangs')]);
    settle();
    await leader.stop();
  });

  it('waits as long as a look says', async () => {
    let looks = 0;
    const job = { name: 'job', everyMs: 3_600_000, look: () => Promise.resolve((looks += 1) < 3 ? 1 : 3_600_000) };
    const { leader } = world([job]);
    leader.start();
    await expect.poll(() => looks, patiently).toBe(3);
    await leader.stop();
  });
});
