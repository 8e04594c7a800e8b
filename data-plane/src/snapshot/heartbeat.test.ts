import type { SnapshotSource, WorkerReport } from '@onecli/shared/ports/snapshot-source';
import type { Logger } from 'pino';
import { describe, expect, it } from 'vitest';
import { Heartbeat } from './heartbeat.ts';

const log = { debug: () => undefined } as unknown as Logger;

function stalling() {
  const sent: number[] = [];
  const ends: (() => void)[] = [];
  const source = {
    heartbeat: ({ appliedRevision }: WorkerReport) => {
      sent.push(appliedRevision);
      return new Promise<void>((resolve) => ends.push(resolve));
    },
  } as unknown as SnapshotSource;
  return { sent, ends, source };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Heartbeat', () => {
  it('sends one report at a time, and after it the newest alone', async () => {
    const { sent, ends, source } = stalling();
    let appliedRevision = 1;
    const heartbeat = new Heartbeat(source, log, () => ({ appliedRevision }) as WorkerReport);
    void heartbeat.send();
    for (appliedRevision = 2; appliedRevision < 5; appliedRevision++) void heartbeat.send();
    await turn();
    expect(sent).toEqual([1]);
    ends[0]?.();
    await turn();
    expect(sent).toEqual([1, 5]);
    ends[1]?.();
    await turn();
    expect(sent).toEqual([1, 5]);
  });

  it('has sent what it was told to send only when that has arrived', async () => {
    const { ends, source } = stalling();
    const heartbeat = new Heartbeat(source, log, () => ({}) as WorkerReport);
    void heartbeat.send();
    let isSent = false;
    const sent = heartbeat.send().then(() => (isSent = true));
    ends[0]?.();
    await turn();
    expect([ends.length, isSent]).toEqual([2, false]);
    ends[1]?.();
    await sent;
  });

  it('sends nothing after it was stopped, which is over when the report under way is', async () => {
    const { sent, ends, source } = stalling();
    const heartbeat = new Heartbeat(source, log, () => ({ appliedRevision: 1 }) as WorkerReport);
    void heartbeat.send();
    void heartbeat.send();
    let isStopped = false;
    const stopped = heartbeat.stop().then(() => (isStopped = true));
    void heartbeat.send();
    await turn();
    expect(isStopped).toBe(false);
    ends[0]?.();
    await stopped;
    void heartbeat.send();
    await turn();
    expect(sent).toEqual([1]);
  });

  it('goes on after a report that failed', async () => {
    let count = 0;
    const source = { heartbeat: () => Promise.reject(new Error(`${++count}`)) } as unknown as SnapshotSource;
    const heartbeat = new Heartbeat(source, log, () => ({}) as WorkerReport);
    for (const times of [1, 2]) {
      await heartbeat.send();
      expect(count).toBe(times);
    }
  });

  it('tells as an error, once, that its reports are refused, and again when they were taken meanwhile', async () => {
    const told: string[] = [];
    const note = (level: string) => () => told.push(level);
    const answers = ['42501', '42501', '08006', undefined, '42501'];
    const source = {
      heartbeat: async () => {
        const code = answers.shift();
        if (code !== undefined) throw Object.assign(new Error('refused'), { code });
      },
    } as unknown as SnapshotSource;
    const noting = { debug: note('debug'), error: note('error') } as unknown as Logger;
    const heartbeat = new Heartbeat(source, noting, () => ({}) as WorkerReport);
    while (answers.length > 0) {
      await heartbeat.send();
    }
    expect(told).toEqual(['error', 'debug', 'debug', 'error']);
  });
});
