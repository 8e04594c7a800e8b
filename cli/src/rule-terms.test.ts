import { describe, expect, it } from 'vitest';
import { collectWindow } from './rule-terms.ts';

describe('collectWindow', () => {
  it.each([
    ['mon-fri 09:00-17:00 Europe/Berlin', ['mon', 'tue', 'wed', 'thu', 'fri'], '09:00', '17:00', 'Europe/Berlin'],
    ['fri-mon 00:00-24:00 UTC', ['mon', 'fri', 'sat', 'sun'], '00:00', '24:00', 'UTC'],
    ['SAT,sun,sun  22:00-06:00  America/New_York', ['sat', 'sun'], '22:00', '06:00', 'America/New_York'],
    ['daily 09:00-10:00', ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], '09:00', '10:00', 'UTC'],
  ])('reads %j', (text, days, from, to, zone) => {
    expect(collectWindow(text)).toEqual([{ days, from, to, zone }]);
  });

  it('gathers what is repeated', () => {
    expect(collectWindow('sat 10:00-12:00', collectWindow('fri 10:00-12:00'))).toHaveLength(2);
  });

  it.each(['', 'mon', '09:00-17:00', 'mon 9-17', 'mo 09:00-17:00', 'mon-tue-wed 09:00-17:00', 'mon 09:00-17:00 UTC x'])(
    'refuses %j',
    (text) => {
      expect(() => collectWindow(text)).toThrow(/expected days/);
    },
  );
});
