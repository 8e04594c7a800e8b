import { afterEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { AuditConsumer, AuditQueue } from './audit-queue.ts';

/** Both ends of one queue that nothing else uses. */
export interface AuditQueueEnds {
  readonly queue: AuditQueue;
  readonly consumer: AuditConsumer;
}

export function auditEvent(id: string): AuditEvent {
  return {
    id,
    timeMs: Date.UTC(2026, 0, 2),
    worker: 'worker-1',
    revision: 7,
    requestId: `request-${id}`,
    agentId: undefined,
    agent: 'my-agent',
    decision: 'allow',
    reason: 'ALLOWED',
    rule: 'policy/rules/0',
    host: 'api.example.com',
    port: 443,
    method: 'GET',
    path: '/v1/models',
    status: 200,
    latencyMs: 1.5,
    requestBytes: 0,
    responseBytes: 12,
    secrets: ['prod/openai@1'],
    findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }],
  };
}

/** What every audit queue does, with its consumer. */
export function auditQueueContract(name: string, create: () => Promise<AuditQueueEnds>): void {
  describe(name, () => {
    const opened: AuditQueueEnds[] = [];
    afterEach(async () => {
      for (const { queue, consumer } of opened.splice(0)) {
        await Promise.all([queue.close(), consumer.close()]);
      }
    });

    async function openEnds(): Promise<AuditQueueEnds> {
      const ends = await create();
      opened.push(ends);
      return ends;
    }

    it('delivers the events of a batch as they were', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      await consumer.consume(inbox.take);
      await queue.add('batch-1', [auditEvent('a-1'), auditEvent('a-2')]);
      await inbox.has('a-2');
      expect(inbox.events).toEqual([auditEvent('a-1'), auditEvent('a-2')]);
    });

    it('keeps what is added before anybody takes it', async () => {
      const { queue, consumer } = await openEnds();
      await queue.add('early', [auditEvent('early')]);
      const inbox = new Inbox();
      await consumer.consume(inbox.take);
      await inbox.has('early');
    });

    it('delivers a batch once although it was added twice', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      await queue.add('twice', [auditEvent('b-1')]);
      await queue.add('twice', [auditEvent('b-1')]);
      await consumer.consume(inbox.take);
      await inbox.has('b-1');
      await queue.add('last', [auditEvent('b-2')]);
      await inbox.has('b-2');
      expect(inbox.events.map((event) => event.id)).toEqual(['b-1', 'b-2']);
    });

    it('delivers a batch again when it could not be handled', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      let failures = 0;
      await consumer.consume(async (events) => {
        if (failures++ === 0) throw new Error('the database is away');
        await inbox.take(events);
      });
      await queue.add('again', [auditEvent('c-1')]);
      await inbox.has('c-1');
      expect(failures).toBe(2);
    });

    it('takes nothing after its end', async () => {
      const { queue } = await openEnds();
      await queue.close();
      await expect(queue.add('late', [auditEvent('d-1')])).rejects.toThrow('closed');
    });
  });
}

/** Keeps what a consumer was given. */
class Inbox {
  readonly events: AuditEvent[] = [];
  readonly #arrivals = new EventTarget();

  readonly take = async (events: readonly AuditEvent[]): Promise<void> => {
    this.events.push(...events);
    this.#arrivals.dispatchEvent(new Event('arrival'));
  };

  async has(id: string): Promise<void> {
    while (!this.events.some((event) => event.id === id)) {
      await new Promise((resolve) => this.#arrivals.addEventListener('arrival', resolve, { once: true }));
    }
  }
}
