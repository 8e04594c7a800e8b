import { MemoryAuditQueue } from '@onecli/shared/adapters/memory/audit-queue';
import { type LoneOutcomeEntry, readEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditQueue, TrailBatch } from '@onecli/shared/ports/audit-queue';
import { readLinks } from '@onecli/shared/vault/audit-chain';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AuditTrail, type AuditTrailOptions, type RecordedEvent } from './audit-trail.ts';

/** A queue that can be away, can take a batch and lose the answer, or can never answer. */
class FickleQueue implements AuditQueue {
  mode: 'here' | 'away' | 'answer-lost' | 'silent' = 'here';
  readonly batches: { readonly id: string; readonly events: readonly LoneOutcomeEntry[] }[] = [];
  calls = 0;

  async add(id: string, batch: TrailBatch): Promise<void> {
    const events = entriesOf(batch);
    this.calls++;
    if (this.mode === 'silent') return new Promise(() => undefined);
    if (this.mode === 'away') throw new Error('the queue is away');
    this.batches.push({ id, events });
    if (this.mode === 'answer-lost') throw new Error('the answer was lost');
  }

  async close(): Promise<void> {}

  get requestIds(): string[] {
    return [
      ...new Map(
        this.batches.flatMap(({ events }) => events.map((event) => [event.sequence, event.requestId])),
      ).values(),
    ];
  }
}

function entriesOf(batch: TrailBatch): LoneOutcomeEntry[] {
  return readLinks(batch.text).flatMap(({ lines }) => lines.map((line) => readEntry(line) as LoneOutcomeEntry));
}

function event(requestId: string, more: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    timeMs: 1,
    revision: 1,
    requestId,
    agentId: 'agent-1',
    agent: 'bot',
    decision: 'allow',
    reason: 'ALLOWED',
    rule: 'p/rules/0',
    host: 'api.example.com',
    port: 443,
    method: 'GET',
    path: '/',
    status: 200,
    latencyMs: 1,
    requestBytes: 0,
    responseBytes: 0,
    secrets: [],
    findings: [],
    ...more,
  };
}

const stranger = (requestId: string) => event(requestId, { agentId: undefined, agent: undefined, decision: 'deny' });
const denied = (requestId: string) => event(requestId, { decision: 'deny', reason: 'POLICY_DENIED' });

function newTrail(change: Partial<AuditTrailOptions> = {}) {
  const queue = new FickleQueue();
  const lost: number[] = [];
  const lines: string[] = [];
  const trail = new AuditTrail({
    queue,
    worker: 'worker-1',
    bootId: 'boot',
    macKey: Buffer.alloc(32, 1),
    log: pino({}, { write: (line: string) => lines.push(line) }),
    flushEveryMs: 1,
    maxBatch: 10,
    maxPending: 100,
    onLost: (count) => lost.push(count),
    ...change,
  });
  return { queue, trail, lost, lines };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
const range = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

describe('AuditTrail', () => {
  it('gives each event its place in the order', async () => {
    const { queue, trail } = newTrail();
    for (const id of range(40)) trail.record(event(id));
    await until(() => trail.pendingCount === 0);
    const events = queue.batches.flatMap((batch) => batch.events);
    expect(events.map(({ requestId }) => requestId)).toEqual(range(40));
    expect(events.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  it('makes batches of at most maxBatch', async () => {
    const { queue, trail } = newTrail({ maxBatch: 7 });
    for (const id of range(30)) trail.record(event(id));
    await until(() => trail.pendingCount === 0);
    expect(queue.batches.map(({ events }) => events.length)).toEqual([7, 7, 7, 7, 2]);
  });

  it('gives a full batch away at once, not at the next turn of the clock', async () => {
    const { queue, trail } = newTrail({ flushEveryMs: 3_600_000, maxBatch: 3 });
    for (const id of range(3)) trail.record(event(id));
    await until(() => queue.batches.length === 1);
    await trail.close(1000);
  });

  it('gives what comes after a pause away at once, and what comes in a stream when its turn comes', async () => {
    const { queue, trail } = newTrail({ flushEveryMs: 3_600_000 });
    trail.record(event('r0'));
    await until(() => trail.pendingCount === 0);
    trail.record(event('r1'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.requestIds).toEqual(['r0']);
    expect(trail.pendingCount).toBe(1);
    await trail.close(1000);
    expect(queue.requestIds).toEqual(['r0', 'r1']);
  });

  it('makes smaller batches of events with long paths', async () => {
    const { queue, trail } = newTrail({ maxBatch: 10 });
    for (const id of range(10)) trail.record(event(id, { path: `/${'x'.repeat(200_000)}` }));
    await until(() => trail.pendingCount === 0);
    expect(queue.batches.map(({ events }) => events.length)).toEqual([2, 2, 2, 2, 2]);
    expect(queue.requestIds).toEqual(range(10));
  });

  it('keeps what the queue does not take, and gives it again in order', async () => {
    const { queue, trail } = newTrail();
    queue.mode = 'away';
    for (const id of range(25)) trail.record(event(id));
    await until(() => queue.calls > 0);
    await until(() => !trail.isQueueReachable);
    expect(trail.pendingCount).toBe(25);
    queue.mode = 'here';
    await trail.close(10_000);
    expect(queue.requestIds).toEqual(range(25));
    expect(trail.isQueueReachable).toBe(true);
  });

  it('comes back by itself when the queue does', async () => {
    const { queue, trail } = newTrail();
    queue.mode = 'away';
    trail.record(event('r0'));
    await until(() => !trail.isQueueReachable);
    queue.mode = 'here';
    await until(() => trail.pendingCount === 0);
    expect(trail.isQueueReachable).toBe(true);
  });

  it('asks a queue that is away no more often because more is recorded', async () => {
    const { queue, trail } = newTrail({ maxBatch: 2 });
    queue.mode = 'away';
    trail.record(event('first'));
    await until(() => !trail.isQueueReachable);
    const before = queue.calls;
    for (const id of range(50)) trail.record(event(id));
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.calls).toBe(before);
    queue.mode = 'here';
    await trail.close(10_000);
  });

  it('gives the same id to the same batch when the answer was lost, and the same ids to its events', async () => {
    const { queue, trail } = newTrail();
    queue.mode = 'answer-lost';
    for (const id of range(3)) trail.record(event(id));
    await until(() => !trail.isQueueReachable);
    queue.mode = 'here';
    await trail.close(10_000);
    expect(new Set(queue.batches.map(({ id }) => id)).size).toBe(1);
    expect(queue.requestIds).toEqual(range(3));
  });

  it('loses nothing across a queue that fails every other time', async () => {
    const { queue, trail, lost } = newTrail({ maxBatch: 50, maxPending: 1000 });
    const add = queue.add.bind(queue);
    queue.add = async (id, batch) => {
      queue.mode = queue.calls % 4 === 1 ? 'answer-lost' : queue.calls % 2 === 0 ? 'here' : 'away';
      await add(id, batch);
    };
    const ids = range(200);
    for (const id of ids) trail.record(event(id));
    await trail.close(20_000);
    expect(queue.requestIds).toEqual(ids);
    expect(lost).toEqual([]);
  });

  it('has no room once as much is pending as may be', () => {
    const { queue, trail } = newTrail({ maxPending: 4, flushEveryMs: 3_600_000 });
    queue.mode = 'away';
    for (const id of range(3)) trail.record(event(id));
    expect(trail.hasRoom).toBe(true);
    trail.record(event('last'));
    expect(trail.hasRoom).toBe(false);
  });

  it('always keeps what was allowed: room was asked for before', () => {
    const { trail, lost } = newTrail({ maxPending: 4, maxBatch: 100, flushEveryMs: 3_600_000 });
    for (const id of range(9)) trail.record(event(id));
    expect(trail.pendingCount).toBe(9);
    expect(lost).toEqual([]);
  });

  it('lets strangers take half the room at most', () => {
    const { trail, lost } = newTrail({ maxPending: 10, maxBatch: 100, flushEveryMs: 3_600_000 });
    for (const id of range(50)) trail.record(stranger(id));
    expect(trail.pendingCount).toBe(5);
    expect(lost).toHaveLength(45);
    expect(trail.hasRoom).toBe(true);
    for (const id of range(4)) trail.record(event(id));
    trail.record(stranger('late'));
    expect(trail.pendingCount).toBe(9);
  });

  it('does not let an agent fill the memory with requests that are refused', () => {
    const { trail, lost } = newTrail({ maxPending: 10, maxBatch: 100, flushEveryMs: 3_600_000 });
    for (const id of range(1000)) trail.record(denied(id));
    expect(trail.pendingCount).toBe(10);
    expect(lost).toHaveLength(990);
  });

  it('gives away at its end what is pending', async () => {
    const { queue, trail, lost } = newTrail({ flushEveryMs: 3_600_000 });
    for (const id of range(35)) trail.record(event(id));
    await trail.close(10_000);
    expect(queue.requestIds).toEqual(range(35));
    expect(lost).toEqual([]);
  });

  it('says at its end what was lost', async () => {
    const { queue, trail, lost, lines } = newTrail();
    queue.mode = 'away';
    for (const id of range(3)) trail.record(event(id));
    await trail.close(1);
    expect(lost).toEqual([3]);
    expect(lines.join('')).toContain('audit events were lost');
  });

  it('ends though the queue never answers', async () => {
    const { queue, trail, lost } = newTrail();
    queue.mode = 'silent';
    trail.record(event('r0'));
    await trail.close(20);
    expect(lost).toEqual([1]);
  });

  it('counts as lost what is recorded after its end', async () => {
    const { trail, lost } = newTrail();
    await trail.close(1000);
    trail.record(event('late'));
    expect(lost).toEqual([1]);
    expect(trail.pendingCount).toBe(0);
  });

  it('reaches a consumer through a real queue', async () => {
    const queue = new MemoryAuditQueue();
    const { trail } = newTrail({ queue });
    const taken: string[] = [];
    await queue.consume(async (batch) => void taken.push(...entriesOf(batch).map(({ requestId }) => requestId)));
    for (const id of range(25)) trail.record(event(id));
    await until(() => taken.length === 25);
    expect(taken).toEqual(range(25));
    await trail.close(1000);
    await queue.close();
  });
});
