/** A process that fills the audit queue as a worker does: for `measure-audit-writer.ts`, so that its own work is counted apart. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PostgresAuditQueue } from '../../shared/src/adapters/postgres/audit-queue.ts';
import { packBatch } from '../../shared/src/adapters/queue/audit-batch.ts';
import { writeIntent, writeOutcome } from '../../shared/src/domain/audit-entry.ts';
import { chainStart, LinkMacs } from '../../shared/src/vault/audit-chain.ts';

export interface FeedOrder {
  readonly connectionString: string;
  /** In hex, as `macKey`. */
  readonly queueKey: string;
  readonly macKey: string;
  /** How many requests to tell of; after each part it waits to be told to go on. */
  readonly parts: readonly number[];
  /** Requests of one batch, and how often there is one. */
  readonly perBatch: number;
  readonly everyMs: number;
  readonly agents: number;
  readonly hosts: number;
}

interface Packed {
  readonly id: string;
  readonly packed: string;
}

/** Requests that leave in one turn of the worker's event loop; their outcomes go with the link after the next. */
const perTurn = 2;
const worker = 'worker-1';

/** Batches as a worker under load makes them: in each link the intents of some requests, and the outcomes of earlier ones. */
class Batches {
  readonly #order: FeedOrder;
  readonly #boot = randomUUID().replaceAll('-', '');
  readonly #macs: LinkMacs;
  readonly #agentIds: readonly string[];
  #mac: string;
  #sequence = 0;
  #open: number[] = [];

  constructor(order: FeedOrder) {
    const key = Buffer.from(order.macKey, 'hex');
    this.#order = order;
    this.#macs = new LinkMacs(key);
    this.#mac = chainStart(key, worker, this.#boot);
    this.#agentIds = Array.from({ length: order.agents }, () => randomUUID());
  }

  /** The next batch, of so many requests. With the last of a part, all of them are over. */
  next(requests: number, isLast: boolean, timeMs: number): Packed {
    const [first, previousMac] = [this.#sequence, this.#mac];
    const links: string[] = [];
    for (let done = 0; done < requests; done += perTurn)
      links.push(
        this.#link(Math.min(perTurn, requests - done), 2 * perTurn, timeMs + (done * this.#order.everyMs) / requests),
      );
    if (isLast) links.push(this.#link(0, 0, timeMs + this.#order.everyMs));
    const last = this.#sequence - 1;
    const head = { worker, boot: this.#boot, first, last, oldest: first, previousMac, isEnd: false };
    return { id: `${worker}-${this.#boot}-${first}-${last}`, packed: packBatch({ ...head, text: links.join('') }) };
  }

  #link(intents: number, left: number, atMs: number): string {
    const timeMs = Math.round(atMs);
    let lines = '';
    while (this.#open.length > left) lines += `${this.#outcome(this.#open.shift() ?? 0, timeMs)}\n`;
    for (let each = 0; each < intents; each++) lines += `${this.#intent(timeMs)}\n`;
    this.#mac = this.#macs.next(this.#mac, lines);
    return `${lines}#${this.#mac}\n`;
  }

  #intent(timeMs: number): string {
    const sequence = this.#sequence++;
    this.#open.push(sequence);
    const agent = sequence % this.#order.agents;
    return writeIntent(sequence, {
      revision: 3,
      requestId: `${this.#boot.slice(0, 12)}-${sequence.toString(36)}`,
      agentId: this.#agentIds[agent],
      agent: `agent-${agent}`,
      host: `api-${sequence % this.#order.hosts}.example.com`,
      port: 443,
      method: 'GET',
      path: '/v1/1k',
      timeMs,
      rule: 'bench#99',
      secrets: ['prod/openai@1'],
    });
  }

  #outcome(of: number, timeMs: number): string {
    return writeOutcome(this.#sequence++, of, {
      timeMs,
      decision: 'allow',
      reason: 'ALLOWED',
      rule: 'bench#99',
      status: 200,
      latencyMs: Math.round((1 + Math.random() * 20) * 1000) / 1000,
      requestBytes: 0,
      responseBytes: 1024,
      secrets: ['prod/openai@1'],
      findings: [],
    });
  }
}

const told = (): Promise<unknown> => new Promise((resolve) => process.once('message', resolve));

const order = (await told()) as FeedOrder;
const queue = new PostgresAuditQueue({
  connectionString: order.connectionString,
  key: Buffer.from(order.queueKey, 'hex'),
});
const batches = new Batches(order);
process.send?.('ready');
for (const requests of order.parts) {
  await told();
  const beganMs = performance.now();
  for (let done = 0; done < requests; done += order.perBatch) {
    const size = Math.min(order.perBatch, requests - done);
    const { id, packed } = batches.next(size, done + size === requests, Date.now());
    await queue.addPacked(id, packed);
    const dueMs = beganMs + ((done + size) / order.perBatch) * order.everyMs;
    await pause(Math.max(0, dueMs - performance.now()));
  }
}
await told();
