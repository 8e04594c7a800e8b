import { describe, expect, it } from 'vitest';
import { parseSince } from './parse-since.ts';

const nowMs = Date.parse('2030-01-02T00:00:00Z');

describe('parseSince', () => {
  it.each([
    ['30s', '2030-01-01T23:59:30.000Z'],
    ['15m', '2030-01-01T23:45:00.000Z'],
    ['1h', '2030-01-01T23:00:00.000Z'],
    ['2d', '2029-12-31T00:00:00.000Z'],
    ['1w', '2029-12-26T00:00:00.000Z'],
    ['2029-12-31', '2029-12-31T00:00:00.000Z'],
    ['2029-12-31T12:00:00+02:00', '2029-12-31T10:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(parseSince(text, nowMs)).toBe(iso);
  });

  it.each(['', '1', 'h', '-1h', '1y', 'yesterday', '2030-13-01', '31/12/2029', '1h30m'])('refuses %j', (text) => {
    expect(() => parseSince(text, nowMs)).toThrow('--since');
  });
});
