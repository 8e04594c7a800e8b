import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineClock } from './deadline.ts';

const tickMs = 250;
let clock: DeadlineClock;

beforeEach(() => {
  vi.useFakeTimers();
  clock = new DeadlineClock(tickMs);
});
afterEach(() => {
  clock.close();
  vi.useRealTimers();
});

describe('DeadlineClock', () => {
  it('starts paused', () => {
    const expired = vi.fn();
    clock.deadline(expired);
    vi.advanceTimersByTime(3_600_000);
    expect(expired).not.toHaveBeenCalled();
  });

  it('expires once, at most a tick late', () => {
    const expired = vi.fn();
    clock.deadline(expired).extend(1000);
    vi.advanceTimersByTime(1000 - tickMs - 1);
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2 * tickMs + 1);
    expect(expired).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(100_000);
    expect(expired).toHaveBeenCalledOnce();
  });

  it('moves with each extension, and may expire again after one', () => {
    const expired = vi.fn();
    const deadline = clock.deadline(expired);
    for (let round = 0; round < 20; round++) {
      deadline.extend(1000);
      vi.advanceTimersByTime(500);
    }
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2000);
    deadline.extend(1000);
    vi.advanceTimersByTime(2000);
    expect(expired).toHaveBeenCalledTimes(2);
  });

  it('is not moved beyond its cap, however often it is extended, until the cap is moved', () => {
    const expired = vi.fn();
    const deadline = clock.deadline(expired);
    deadline.cap(2000);
    for (let round = 0; round < 6; round++) {
      deadline.extend(1000);
      vi.advanceTimersByTime(500);
    }
    expect(expired).toHaveBeenCalled();
    expired.mockClear();
    deadline.cap(Number.POSITIVE_INFINITY);
    for (let round = 0; round < 20; round++) {
      deadline.extend(1000);
      vi.advanceTimersByTime(500);
    }
    expect(expired).not.toHaveBeenCalled();
  });

  it('waits for nothing while it is paused, and never after it was cleared', () => {
    const [paused, cleared] = [vi.fn(), vi.fn()];
    const first = clock.deadline(paused);
    const second = clock.deadline(cleared);
    first.extend(1000);
    second.extend(1000);
    first.pause();
    second.clear();
    second.extend(1000);
    vi.advanceTimersByTime(10_000);
    expect(paused).not.toHaveBeenCalled();
    expect(cleared).not.toHaveBeenCalled();
    first.extend(1000);
    vi.advanceTimersByTime(2000);
    expect(paused).toHaveBeenCalledOnce();
  });

  it('lets a deadline clear another, and itself, while they expire', () => {
    const late = vi.fn();
    const self = clock.deadline(() => {
      self.clear();
      other.clear();
    });
    const other = clock.deadline(late);
    self.extend(10);
    other.extend(10);
    vi.advanceTimersByTime(1000);
    expect(late).not.toHaveBeenCalled();
  });

  it('needs one timer for a thousand deadlines, and none after its end', () => {
    const expired = vi.fn();
    for (let index = 0; index < 1000; index++) clock.deadline(expired).extend(1000);
    expect(vi.getTimerCount()).toBe(1);
    clock.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(expired).not.toHaveBeenCalled();
  });
});
