import { afterEach, describe, expect, it } from 'vitest';
import { type LoneOutcomeEntry, writeEntry } from '../domain/audit-entry.ts';
import { type ChainLink, chainStart, linkMac, writeLink } from '../vault/audit-chain.ts';
import type { AuditConsumer, AuditQueue, TrailBatch } from './audit-queue.ts';

/** Both ends of one queue that nothing else uses. */
export interface AuditQueueEnds {
  readonly queue: AuditQueue;
  readonly consumer: AuditConsumer;
}

/** A batch of requests that took no secret along. @param boot tells it from others */
export function trailBatch(boot: string, count = 1, path = '/v1/models'): TrailBatch {
  const worker = 'worker-1';
  const previousMac = chainStart(key, worker, boot);
  const links: ChainLink[] = [];
  for (let sequence = 0; sequence < count; sequence++) {
    const lines = [writeEntry({ ...outcome, sequence, requestId: `request-${sequence}`, path })];
    links.push({ lines, mac: linkMac(key, links.at(-1)?.mac ?? previousMac, `${lines[0]}\n`) });
  }
  const text = links.map(writeLink).join('');
  return { worker, boot, first: 0, last: count - 1, oldest: 0, previousMac, isEnd: false, text };
}

const key = Buffer.alloc(32, 1);
const outcome: Omit<LoneOutcomeEntry, 'sequence' | 'requestId' | 'path'> = {
  kind: 'OUTCOME',
  of: undefined,
  timeMs: Date.UTC(2026, 0, 2),
  revision: 7,
  agentId: undefined,
  agent: 'my-agent',
  decision: 'allow',
  reason: 'ALLOWED',
  rule: 'policy/rules/0',
  host: 'api.example.com',
  port: 443,
  method: 'GET',
  status: 200,
  latencyMs: 1.5,
  requestBytes: 0,
  responseBytes: 12,
  secrets: [],
  findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }],
};

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

    it('delivers a batch as it was', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      await consumer.consume(inbox.take);
      await queue.add('batch-1', trailBatch('a-1', 3));
      await inbox.has('a-1');
      expect(inbox.batches).toEqual([trailBatch('a-1', 3)]);
    });

    it('keeps what is added before anybody takes it', async () => {
      const { queue, consumer } = await openEnds();
      await queue.add('early', trailBatch('early'));
      const inbox = new Inbox();
      await consumer.consume(inbox.take);
      await inbox.has('early');
    });

    it('delivers a batch once although it was added twice', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      await queue.add('twice', trailBatch('b-1'));
      await queue.add('twice', trailBatch('b-1'));
      await consumer.consume(inbox.take);
      await inbox.has('b-1');
      await queue.add('last', trailBatch('b-2'));
      await inbox.has('b-2');
      expect(inbox.batches.map(({ boot }) => boot)).toEqual(['b-1', 'b-2']);
    });

    it('delivers a batch again when it could not be handled', async () => {
      const { queue, consumer } = await openEnds();
      const inbox = new Inbox();
      let failures = 0;
      await consumer.consume(async (batch) => {
        if (failures++ === 0) throw new Error('the database is away');
        await inbox.take(batch);
      });
      await queue.add('again', trailBatch('c-1'));
      await inbox.has('c-1');
      expect(failures).toBe(2);
    });

    it('takes nothing after its end', async () => {
      const { queue } = await openEnds();
      await queue.close();
      await expect(queue.add('late', trailBatch('d-1'))).rejects.toThrow('closed');
    });
  });
}

/** Keeps what a consumer was given. */
class Inbox {
  readonly batches: TrailBatch[] = [];
  readonly #arrivals = new EventTarget();

  readonly take = async (batch: TrailBatch): Promise<void> => {
    this.batches.push(batch);
    this.#arrivals.dispatchEvent(new Event('arrival'));
  };

  async has(boot: string): Promise<void> {
    while (!this.batches.some((batch) => batch.boot === boot)) {
      await new Promise((resolve) => this.#arrivals.addEventListener('arrival', resolve, { once: true }));
    }
  }
}
