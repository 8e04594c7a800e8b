import type { ConfigBus } from '../../ports/config-bus.ts';

/** A bus within one process, for tests. */
export class MemoryConfigBus implements ConfigBus {
  readonly #listeners = new Set<(revision: number) => void>();
  readonly #closing = new AbortController();

  async announce(revision: number): Promise<void> {
    if (this.#closing.signal.aborted) throw new Error('The bus is closed');
    for (const heard of this.#listeners) heard(revision);
  }

  async listen(heard: (revision: number) => void, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#closing.signal]);
    if (over.aborted) return;
    const listener = (revision: number) => heard(revision);
    this.#listeners.add(listener);
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
    this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}
