import { describe, expect, it } from 'vitest';
import { scopeText, standingOf, targetText } from './approval-texts.ts';

const now = Date.parse('2030-01-01T12:00:00Z');
const [before, after] = ['2030-01-01T11:59:59Z', '2030-01-01T12:00:01Z'];
const decidedBy = 'user:alice';
const covers = { hosts: ['api.example.com', 'b.example.com'], paths: [], methods: ['POST', 'PUT'] };

describe('how an approval stands', () => {
  it('is in force until its time is over, also when it was read before that', () => {
    expect(standingOf({ state: 'APPROVED', endsAt: after, decidedBy, covers }, now)).toEqual({
      tone: 'allow',
      text: 'Approved',
      isInForce: true,
    });
    expect(standingOf({ state: 'APPROVED', endsAt: before, decidedBy, covers }, now)).toMatchObject({
      text: 'Ended',
      isInForce: false,
    });
    expect(standingOf({ state: 'DENIED', endsAt: after, decidedBy, covers }, now).isInForce).toBe(true);
    expect(standingOf({ state: 'DENIED', endsAt: before, decidedBy, covers }, now)).toMatchObject({
      text: 'Denied',
      isInForce: false,
    });
  });

  it('is of no account while its rule is another', () => {
    const standing = standingOf({ state: 'APPROVED', endsAt: after, decidedBy, covers: null }, now);
    expect(standing).toEqual({ tone: '', text: 'Rule changed', isInForce: true });
    expect(scopeText(null)).toContain('changed');
    expect(scopeText(covers)).toBe('POST, PUT at api.example.com, b.example.com, every path');
  });

  it('tells what nobody decided from what somebody ended', () => {
    expect(standingOf({ state: 'ENDED', endsAt: null, decidedBy: null, covers }, now).text).toBe('Nobody decided');
    expect(standingOf({ state: 'ENDED', endsAt: before, decidedBy, covers }, now).text).toBe('Ended');
  });
});

describe('where a request goes', () => {
  it('tells each port but that of HTTPS', () => {
    const target = { host: 'api.example.com', path: '/v1' };
    expect(targetText({ ...target, port: 443 })).toBe('api.example.com/v1');
    expect(targetText({ ...target, port: 80 })).toBe('api.example.com:80/v1');
  });
});
