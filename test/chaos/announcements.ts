import { Redis } from 'ioredis';
import type { TestCluster } from '../support/start-cluster.ts';
import { settingsOfWorker } from './further-worker.ts';

/** Hears what workers hear: that there is a newer revision. A control plane says so as soon as it has committed one. */
export class Announcements {
  readonly #client: Redis;
  #heardMs = 0;

  private constructor(client: Redis) {
    this.#client = client;
    client.on('error', () => undefined);
    client.on('pmessage', () => (this.#heardMs = performance.now()));
  }

  /** Undefined in a cluster without Redis. */
  static async listen(cluster: TestCluster): Promise<Announcements | undefined> {
    const { REDIS_URL: url } = await settingsOfWorker(cluster);
    if (url === undefined) return undefined;
    const client = new Redis(url, { lazyConnect: true });
    const announcements = new Announcements(client);
    await client.connect();
    await client.psubscribe('*:revision');
    return announcements;
  }

  /** When the last one was heard, if that is since a moment of `performance.now()`. */
  heardSince(ms: number): number | undefined {
    return this.#heardMs >= ms ? this.#heardMs : undefined;
  }

  close(): void {
    this.#client.disconnect();
  }
}
