import { describe, expect, it } from 'vitest';
import type { AuditItem } from '../support/world.ts';
import type { Outcome } from './agent-requests.ts';
import type { Arrival } from './chaos-upstream.ts';
import { checkRecords, isSound, type Records } from './check-records.ts';
import type { Fault } from './faults.ts';

const agent = {
  name: 'one',
  token: 't',
  secret: 'prod/one',
  host: 'one.example',
  otherHost: 'two.example',
  otherSecret: 'prod/two',
};
const values = new Map([
  ['prod/one', ['sk-first', 'sk-second']],
  ['prod/two', ['sk-other']],
]);

function outcome(more: Partial<Outcome> = {}): Outcome {
  const times = { startMs: 1000, endMs: 1100, tunnel: 1, openedMs: 900, isRetried: false };
  return { id: '1', kind: 'keep', agent, status: 200, problem: undefined, text: '', ...times, ...more };
}

function arrival(more: Partial<Arrival> = {}): Arrival {
  const rawHeaders = ['host', 'one.example', 'Authorization', 'Bearer sk-second'];
  return { id: '1', kind: 'keep', host: 'one.example', atMs: 1050, rawHeaders, target: '/v1/keep/1', ...more };
}

function event(more: Partial<AuditItem> = {}): AuditItem {
  return { id: 'worker-2-ab-1', path: '/v1/keep/1', secrets: ['prod/one@2'], ...more } as AuditItem;
}

function records(more: Partial<Records> = {}): Records {
  const rest = { faults: [], trailFaults: [] };
  return { agents: [agent], values, arrivals: [arrival()], outcomes: [outcome()], events: [event()], ...rest, ...more };
}

const failed = outcome({ status: undefined, problem: 'the connection ended' });
function fault(more: Partial<Fault> = {}): Fault {
  return { name: 'worker-2', kind: 'worker', how: 'killed', fromMs: 1050, untilMs: 1050, ...more };
}

describe('checkRecords', () => {
  it('has nothing against records that agree, with any value that the secret has had', () => {
    expect(isSound(checkRecords(records()))).toBe(true);
  });

  it.each([
    ['of another secret', { rawHeaders: ['Authorization', 'Bearer sk-other'] }],
    ['that is still a placeholder', { rawHeaders: ['Authorization', 'Bearer onecli://prod/one'] }],
    ['twice', { rawHeaders: ['Authorization', 'Bearer sk-second', 'authorization', 'Bearer sk-second'] }],
    ['at another host', { host: 'two.example' }],
    ['beside that of another agent', { target: '/v1/keep/1?k=sk-other' }],
    ['not at all', { rawHeaders: [] }],
  ])('finds a credential %s', (_what, changed) => {
    expect(checkRecords(records({ arrivals: [arrival(changed)] })).wrongCredentials.count).toBe(1);
  });

  it('finds a request that nobody made, and one that had to be refused', () => {
    const refused = outcome({ id: '2', kind: 'ungranted', status: 403 });
    const arrivals = [arrival({ id: '9' }), arrival({ id: '2', kind: 'ungranted' })];
    const verdict = checkRecords(records({ arrivals, outcomes: [outcome(), refused] }));
    expect(verdict.unpermitted.count).toBe(2);
  });

  it('finds a secret that an agent saw', () => {
    const verdict = checkRecords(
      records({ outcomes: [outcome({ text: `got ${Buffer.from('sk-first').toString('hex')}` })] }),
    );
    expect(verdict.secretsAtAgents.count).toBe(1);
  });

  it('finds a secret that left, and an answer, without an event', () => {
    const verdict = checkRecords(records({ events: [] }));
    expect([verdict.secretsWithoutEvent.count, verdict.answersWithoutEvent.count]).toEqual([1, 1]);
  });

  it('finds an event that does not name the secret that left', () => {
    const verdict = checkRecords(records({ events: [event({ secrets: ['prod/two@1'] })] }));
    expect([verdict.secretsWithoutEvent.count, verdict.answersWithoutEvent.count]).toEqual([1, 0]);
  });

  it('finds a request that is recorded more often than it was sent', () => {
    const twice = { events: [event(), event({ id: 'worker-2-ab-2' })] };
    expect(checkRecords(records(twice)).recordedTwice.count).toBe(1);
    expect(checkRecords(records({ ...twice, outcomes: [outcome({ isRetried: true })] })).recordedTwice.count).toBe(0);
  });

  it('takes a refusal with 503 for explained while the disk cannot be written, and nothing else', () => {
    const count = (more: Partial<Outcome>, faults = [fault({ how: 'unwritable', untilMs: 1060 })]) =>
      checkRecords(records({ outcomes: [outcome(more)], faults })).unexplainedFailures.count;
    expect(count({ status: 503, problem: '503 AUDIT_UNAVAILABLE' })).toBe(0);
    expect(count({ status: undefined, problem: 'the tunnel did not open: refused 503 Service Unavailable' })).toBe(0);
    expect(count({ status: 502, problem: '502' })).toBe(1);
    expect(count({ status: undefined, problem: 'the connection ended' })).toBe(1);
    expect(count({ status: 503, problem: '503' }, [])).toBe(1);
    expect(count({ status: 503, problem: '503', startMs: 9000, endMs: 9100 })).toBe(1);
  });

  it('passes on what the verification of the trail finds', () => {
    expect(isSound(checkRecords(records({ trailFaults: ['BAD entry 3'] })))).toBe(false);
  });

  it('takes a failure for explained only by a fault at that time, at that worker', () => {
    const count = (faults: Fault[]) => checkRecords(records({ outcomes: [failed], faults })).unexplainedFailures.count;
    expect(count([fault()])).toBe(0);
    expect(count([fault({ kind: 'haproxy', name: 'haproxy' })])).toBe(0);
    expect(count([])).toBe(1);
    expect(count([fault({ name: 'worker-1' })])).toBe(1);
    expect(count([fault({ fromMs: 9000, untilMs: 9000 })])).toBe(1);
    expect(count([fault({ how: 'restarted' })])).toBe(1);
    expect(count([fault({ how: 'stopped' })])).toBe(1);
    expect(count([fault({ how: 'cut' })])).toBe(1);
    expect(count([fault({ kind: 'postgres', name: 'postgres' })])).toBe(1);
  });

  it('lets nothing explain a whole answer that is not the right one', () => {
    const wrong = outcome({ status: 503, problem: '503' });
    expect(checkRecords(records({ outcomes: [wrong], faults: [fault()] })).unexplainedFailures.count).toBe(1);
  });
});
