import { describe, expect, it } from 'vitest';
import { policyInputOf } from './policy-input.ts';

describe('a policy of a file, for the API', () => {
  it('says the same in the API’s words', () => {
    const policy = {
      name: 'finance',
      mode: 'monitor',
      agents: ['bot-*', { labels: { team: 'finance', level: 2 } }],
      rules: [
        {
          allow: {
            hosts: ['a.example'],
            secrets: ['prod/a'],
            rateLimit: { requests: 5, perSeconds: 60, by: 'rule' },
            windows: [{ days: ['mon', 'fri'], from: '09:00', to: '17:00', zone: 'Europe/Berlin' }],
          },
        },
        { deny: { hosts: ['b.example'] } },
      ],
    };
    expect(policyInputOf(policy)).toEqual({
      name: 'finance',
      mode: 'MONITOR',
      agents: [
        { name: 'bot-*' },
        {
          labels: [
            { key: 'team', value: 'finance' },
            { key: 'level', value: '2' },
          ],
        },
      ],
      rules: [
        {
          allow: {
            hosts: ['a.example'],
            secrets: ['prod/a'],
            rateLimit: { requests: 5, perSeconds: 60, by: 'RULE' },
            windows: [{ days: ['MON', 'FRI'], from: '09:00', to: '17:00', zone: 'Europe/Berlin' }],
          },
        },
        { deny: { hosts: ['b.example'] } },
      ],
    });
  });

  it('leaves what it does not understand to the API', () => {
    const odd = { name: 7, agents: [3, { labels: 'x' }], rules: ['x', { allow: null }], more: true };
    expect(policyInputOf(odd)).toEqual({ ...odd, mode: 'ENFORCE' });
    const windows = { days: ['mon'], from: '09:00' };
    expect(policyInputOf({ rules: [{ allow: { windows, rateLimit: 5, more: 1 } }] })).toMatchObject({
      rules: [{ allow: { windows, rateLimit: 5, more: 1 } }],
    });
    expect(policyInputOf({ rules: [{ deny: { windows: null } }] }).rules).toEqual([{ deny: { windows: null } }]);
  });

  it('is the whole policy: what is absent is at its default, and not as it was', () => {
    expect(policyInputOf({ name: 'bare' })).toEqual({ name: 'bare', mode: 'ENFORCE', agents: [], rules: [] });
  });
});
