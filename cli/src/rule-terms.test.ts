import { describe, expect, it } from 'vitest';
import { collectWindow, describeTerms, parseBytes, parseRate } from './rule-terms.ts';

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

describe('parseRate', () => {
  it.each([
    ['100/60s', { requests: 100, perSeconds: 60, by: 'agent' }],
    ['20/m', { requests: 20, perSeconds: 60, by: 'agent' }],
    ['1000/24h:rule', { requests: 1000, perSeconds: 86_400, by: 'rule' }],
  ])('reads %j', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  it.each(['', '100', '100/60', '/60s', '-1/s', '1/s:all', '1.5/s'])('refuses %j', (text) => {
    expect(() => parseRate(text)).toThrow(/expected requests/);
  });
});

describe('parseBytes', () => {
  it('reads bytes, thousands, millions and billions', () => {
    expect(['500', '64k', '10MB', '2g'].map(parseBytes)).toEqual([500, 64_000, 10_000_000, 2_000_000_000]);
    expect(() => parseBytes('10 MiB')).toThrow(/expected a size/);
  });
});

describe('describeTerms', () => {
  it('says each of them', () => {
    const rateLimit = { requests: 5, perSeconds: 60, by: 'rule' };
    const all = { rateLimit, maxConcurrent: 2, maxBodyBytes: 10, tunnel: true, http2: true, plainHttp: true };
    expect(describeTerms(all).join('; ')).toBe(
      'at most 5/60s together; 2 at once; bodies up to 10 bytes; passed through; with HTTP/2; with plain HTTP',
    );
    expect(describeTerms({ rateLimit: null, maxConcurrent: null, tunnel: false, windows: [] })).toEqual([]);
  });
});
