import { describe, expect, it } from 'vitest';
import { attentionOf } from './attention.ts';

const counts = {
  revision: 7,
  secrets: 3,
  disabledSecrets: 0,
  expiringSecrets: 0,
  agents: 2,
  disabledAgents: 0,
  policies: 1,
  routes: 0,
  workers: 2,
  liveWorkers: 2,
  workersBehind: 0,
};
const since = '2030-01-01T00:00:00.000Z';
const facts = {
  counts,
  requests: 1_000,
  failures: 3,
  findings: { count: 0, isMore: false },
  waiting: { count: 0, isMore: false },
  since,
};
const textsOf = (change: Partial<typeof facts>, changed: Partial<Record<keyof typeof counts, number | null>> = {}) =>
  attentionOf({ ...facts, ...change, counts: { ...counts, ...changed } as typeof counts }).map(({ text }) => text);

describe('what needs attention', () => {
  it('is nothing when all is well, and nothing that the caller may not know', () => {
    expect(textsOf({})).toEqual([]);
    const hidden = { workers: null, liveWorkers: null, workersBehind: null, expiringSecrets: null, policies: null };
    expect(attentionOf({ ...facts, findings: null, waiting: null, counts: { ...counts, ...hidden } })).toEqual([]);
  });

  it('names dead and late workers, expiring secrets, findings and failures, with where to look', () => {
    expect(textsOf({}, { liveWorkers: 0 })).toEqual(['No worker is live: no request gets through']);
    expect(textsOf({}, { liveWorkers: 1, workersBehind: 1 })).toEqual([
      '1 worker does not report any more',
      '1 worker not yet at revision 7',
    ]);
    expect(textsOf({}, { expiringSecrets: 2 })).toEqual(['2 secrets expired, or will within 14 days']);
    expect(attentionOf({ ...facts, failures: 100, findings: { count: 20, isMore: true } })).toEqual([
      { tone: 'deny', text: '20+ findings to look at', to: `/findings?since=${since}` },
      { tone: 'warn', text: '10 % of the requests failed upstream', to: `/activity?failed=true&since=${since}` },
    ]);
  });

  it('says how much waits for a person', () => {
    expect(textsOf({ waiting: { count: 1, isMore: false } })).toEqual(['1 request waits for an approval']);
    expect(attentionOf({ ...facts, waiting: { count: 20, isMore: true } })).toEqual([
      { tone: 'warn', text: '20+ requests wait for an approval', to: '/approvals' },
    ]);
  });

  it('takes a few failures among few requests for chance', () => {
    expect(textsOf({ requests: 10, failures: 2 })).toEqual([]);
  });
});
