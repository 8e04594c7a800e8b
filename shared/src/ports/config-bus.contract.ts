import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigBus } from './config-bus.ts';

/** What every config bus does. `connect` gives another end of one bus that nothing else uses. */
export function configBusContract(name: string, create: () => Promise<{ connect: () => ConfigBus }>): void {
  describe(name, () => {
    const opened: ConfigBus[] = [];
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((bus) => bus.close()));
    });

    async function openBus(): Promise<() => ConfigBus> {
      const { connect } = await create();
      return () => {
        const bus = connect();
        opened.push(bus);
        return bus;
      };
    }

    it('tells every listener', async () => {
      const connect = await openBus();
      const [first, second] = [new Listener(connect()), new Listener(connect())];
      const announcer = connect();
      await first.isListening(announcer);
      await second.isListening(announcer);
      await announcer.announce(41);
      await Promise.all([first.hears(41), second.hears(41)]);
    });

    it('tells in the order of the announcements', async () => {
      const connect = await openBus();
      const listener = new Listener(connect());
      const announcer = connect();
      await listener.isListening(announcer);
      for (const revision of [5, 6, 7]) await announcer.announce(revision);
      await listener.hears(7);
      expect(listener.heard.filter((revision) => revision > 0)).toEqual([5, 6, 7]);
    });

    it('tells what is announced at the same time, from the first on', async () => {
      const connect = await openBus();
      const listener = new Listener(connect());
      await listener.isListening(connect());
      const announcer = connect();
      const revisions = Array.from({ length: 20 }, (_, index) => index + 1);
      await Promise.all(revisions.map((revision) => announcer.announce(revision)));
      for (const revision of revisions) await listener.hears(revision);
    });

    it('stops when its listener has had enough', async () => {
      const connect = await openBus();
      const [leaver, stayer] = [new Listener(connect()), new Listener(connect())];
      const announcer = connect();
      await leaver.isListening(announcer);
      await stayer.isListening(announcer);
      await leaver.stop();
      await announcer.announce(8);
      await stayer.hears(8);
      expect(leaver.heard).not.toContain(8);
    });

    it('ends its listening when it is closed', async () => {
      const connect = await openBus();
      const bus = connect();
      const listening = bus.listen(() => undefined, new AbortController().signal);
      await bus.close();
      await listening;
    });
  });
}

/** Listens on a bus and keeps what it heard. */
export class Listener {
  readonly heard: number[] = [];
  readonly #arrivals = new EventTarget();
  readonly #leaving = new AbortController();
  readonly #listening: Promise<void>;

  constructor(bus: ConfigBus) {
    this.#listening = bus.listen((revision) => {
      this.heard.push(revision);
      this.#arrivals.dispatchEvent(new Event('arrival'));
    }, this.#leaving.signal);
  }

  /** Announces revision 0 until it is heard: only then is it certain that nothing is missed from here on. */
  async isListening(announcer: ConfigBus): Promise<void> {
    const before = this.heard.length;
    while (this.heard.length === before) {
      await announcer.announce(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async hears(revision: number): Promise<void> {
    while (!this.heard.includes(revision)) {
      await new Promise((resolve) => this.#arrivals.addEventListener('arrival', resolve, { once: true }));
    }
  }

  async stop(): Promise<void> {
    this.#leaving.abort();
    await this.#listening;
  }
}
