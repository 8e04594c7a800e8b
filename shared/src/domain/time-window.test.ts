import { describe, expect, it } from 'vitest';
import { parseTimeWindow, type TimeWindow } from './time-window.ts';

const window: TimeWindow = { days: ['mon'], from: '09:00', to: '17:00', zone: 'Europe/Berlin' };

describe('parseTimeWindow', () => {
  it.each([
    ['days', { days: [] }],
    ['days', { days: ['Mon'] as never }],
    ['from', { from: '24:00' }],
    ['from', { from: '9:00' }],
    ['to', { to: '24:01' }],
    ['to', { to: '09:00' }],
    ['zone', { zone: '' }],
    ['zone', { zone: 'Mars/Olympus' }],
    ['zone', { zone: '+01:00' }],
    ['zone', { zone: `Europe/${'x'.repeat(100)}` }],
  ] as const)('names %s in %j', (field, change) => {
    expect(parseTimeWindow({ ...window, ...change })).toMatchObject({ kind: 'invalid', field });
  });

  it('answers for times in any order, and for two windows of one zone', () => {
    const parsed = parseTimeWindow(window);
    const other = parseTimeWindow({ ...window, days: ['tue'] });
    if (parsed.kind === 'invalid' || other.kind === 'invalid') throw new Error('it must be read');
    const [monday, tuesday] = [Date.parse('2026-01-05T09:00:00Z'), Date.parse('2026-01-06T09:00:00Z')];
    expect([monday, tuesday, monday].map(parsed.isOpen)).toEqual([true, false, true]);
    expect([monday, tuesday, monday].map(other.isOpen)).toEqual([false, true, false]);
  });
});
