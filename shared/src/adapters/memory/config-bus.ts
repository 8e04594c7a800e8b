import type { ConfigBus } from '../../ports/config-bus.ts';

type Heard = (revision: number) => void;

/** A bus within one process, for tests. Buses that share a hub are ends of one bus. */
export class MemoryConfigBus implements ConfigBus {
  readonly #hub: Set<Heard>;
  readonly #closing = new AbortController();

  constructor(hub: Set<Heard> = MemoryConfigBus.hub()) {
    this.#hub = hub;
  }

  static hub(): Set<Heard> {
    return new Set();
  }

  async announce(revision: number): Promise<void> {
    if (this.#closing.signal.aborted) throw new Error('The bus is closed');
    for (const heard of this.#hub) heard(revision);
  }

  async listen(heard: Heard, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#closing.signal]);
    if (over.aborted) return;
    const listener: Heard = (revision) => heard(revision);
    this.#hub.add(listener);
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
    this.#hub.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}
