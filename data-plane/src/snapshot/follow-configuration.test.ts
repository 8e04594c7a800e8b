import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import { keyCheckValue } from '@onecli/shared/vault/key-check';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { afterEach, describe, expect, it } from 'vitest';
import { agentOf, endFollowing, follow, instanceId, newGate, term1, term2, until } from './testing/follow-store.ts';

afterEach(endFollowing);

describe('FollowedConfiguration', () => {
  it('has a configuration once it has started', async () => {
    const { followed, start } = follow();
    expect(followed.current).toBeUndefined();
    expect(followed.isStoreReachable).toBe(false);
    await start();
    expect(followed.current?.revision).toBe(1);
    expect(followed.isStoreReachable).toBe(true);
  });

  it('waits for a store that is away at the start', async () => {
    const { source, followed, start } = follow();
    source.isAway = true;
    const started = start();
    await until(() => source.loads > 0);
    expect(followed.current).toBeUndefined();
    source.isAway = false;
    await started;
    expect(followed.current?.revision).toBe(1);
  });

  it('gives up waiting when it is told to end', async () => {
    const { source, followed, start, ending } = follow();
    source.isAway = true;
    const started = start();
    await until(() => source.loads > 0);
    ending.abort();
    await started;
    expect(followed.current).toBeUndefined();
  });

  it('takes up what the bus announces', async () => {
    const { source, bus, followed, start } = follow();
    await start();
    source.stored = 2;
    await bus.announce(2);
    await until(() => followed.current?.revision === 2);
    expect(agentOf(followed)).toBe('agent-2');
  });

  it('finds by itself what the bus lost', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    source.stored = 5;
    await until(() => followed.current?.revision === 5);
  });

  it('goes on looking when the bus has ended', async () => {
    const bus = new MemoryConfigBus();
    bus.listen = () => Promise.reject(new Error('the bus is broken'));
    const { source, followed, start, lines } = follow({ bus, lookEveryMs: 1 });
    await start();
    source.stored = 2;
    await until(() => followed.current?.revision === 2);
    expect(lines.join('')).toContain('the bus ended');
  });

  it('asks the store nothing for an announcement of what it has', async () => {
    const { source, bus, start } = follow();
    await start();
    await bus.announce(1);
    await bus.announce(0);
    expect(source.loads).toBe(1);
  });

  it('does not believe an announcement that the store does not bear out', async () => {
    const { source, bus, followed, start } = follow();
    await start();
    const before = followed.current;
    await bus.announce(1_000_000);
    await until(() => source.loads === 2 && source.running === 0);
    await followed.refresh();
    expect(followed.current).toBe(before);
  });

  it('refuses a revision that goes back, and says so', async () => {
    const { source, followed, start, lines } = follow({ lookEveryMs: 1 });
    source.stored = 9;
    await start();
    const before = followed.current;
    source.stored = 3;
    await until(() => lines.some((line) => line.includes('older revision')));
    await followed.refresh();
    expect(followed.current).toBe(before);
  });

  it('keeps the last good configuration while the store is away, and catches up after it', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    source.stored = 2;
    source.isAway = true;
    await until(() => !followed.isStoreReachable);
    expect(followed.current?.revision).toBe(1);
    source.isAway = false;
    await until(() => followed.current?.revision === 2);
    expect(followed.isStoreReachable).toBe(true);
  });

  it('says once, not each second, that the store is away', async () => {
    const { source, followed, start, lines } = follow({ lookEveryMs: 1 });
    await start();
    source.isAway = true;
    const before = source.looks;
    await until(() => source.looks > before + 5);
    expect(lines.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
    expect(followed.current?.revision).toBe(1);
  });

  it('keeps the last good configuration when the next cannot be prepared', async () => {
    const failing = follow({
      prepare: ({ revision }) => {
        if (revision > 1) throw new Error('the authority does not open');
      },
    });
    await failing.start();
    failing.source.stored = 2;
    await failing.followed.refresh();
    expect(failing.followed.current?.revision).toBe(1);
  });

  it('is prepared before a configuration is in force', async () => {
    const seen: (number | undefined)[] = [];
    const { followed, start } = follow({ prepare: () => seen.push(followed.current?.revision) });
    await start();
    expect(seen).toEqual([undefined]);
  });

  it('tells of a revision when nothing goes on against it, and of none before it after that', async () => {
    const gates = [newGate(), newGate(), newGate()];
    let taken = 0;
    const { source, followed, ending } = follow({ onApplied: () => gates[taken++]?.opened ?? Promise.resolve() });
    const told: number[] = [];
    await followed.start(ending.signal, { send: async () => void told.push(followed.settledRevision) });
    expect(told.splice(0)).toEqual([0]);
    for (const revision of [2, 3]) {
      source.stored = revision;
      await followed.refresh();
    }
    const turns = async (): Promise<void> => {
      for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
    };
    await turns();
    expect([followed.current?.revision, followed.settledRevision, told]).toEqual([3, 0, []]);
    gates[0]?.open();
    await turns();
    expect([followed.settledRevision, told]).toEqual([1, [1]]);
    gates[2]?.open();
    await turns();
    gates[1]?.open();
    await turns();
    expect([followed.settledRevision, told]).toEqual([3, [1, 3]]);
  });

  it('loads once at a time, and once more for all that came meanwhile', async () => {
    const { source, bus, followed, start } = follow();
    await start();
    const gate = newGate();
    source.gate = gate.opened;
    source.stored = 2;
    await bus.announce(2);
    source.stored = 7;
    for (let revision = 3; revision <= 7; revision++) await bus.announce(revision);
    const all = Promise.all([followed.refresh(), followed.refresh()]);
    gate.open();
    await all;
    expect(followed.current?.revision).toBe(7);
    expect(source.mostRunning).toBe(1);
    expect(source.loads).toBe(3);
  });

  it('has one look under way at most, however long the store takes', async () => {
    const { source, start } = follow({ lookEveryMs: 1 });
    await start();
    const gate = newGate();
    source.lookGate = gate.opened;
    const before = source.looks;
    await until(() => source.looks > before);
    await new Promise<void>((resolve) => {
      let ticks = 0;
      const timer = setInterval(() => {
        if (++ticks < 5) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
    expect(source.looks).toBe(before + 1);
    gate.open();
    await until(() => source.looks > before + 1);
  });

  it('asks nothing any more after its end', async () => {
    const { source, bus, start, ending } = follow();
    await start();
    ending.abort();
    await new Promise((resolve) => setImmediate(resolve));
    await bus.announce(2);
    expect(source.loads).toBe(1);
  });

  it('learns a key term that is announced, before anything is sealed with it', async () => {
    const { source, keys, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    const before = followed.current;
    source.keys = { ...source.keys, generation: 1, terms: [term1, term2] };
    await until(() => keys.keyring.terms.includes(2));
    expect([keys.keyring.currentTerm, followed.current === before]).toEqual([1, true]);
  });

  it('reads all anew when a key term is gone, and only then gives its key up', async () => {
    const { source, keys, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    source.keys = { ...source.keys, generation: 1, terms: [term1, { ...term2, isActive: true }] };
    await until(() => keys.keyring.currentTerm === 2);
    const before = followed.current;
    source.isAway = true;
    source.keys = { ...source.keys, generation: 2, terms: [{ ...term2, isActive: true }] };
    const looks = source.looks;
    await until(() => source.looks > looks + 1);
    expect(keys.keyring.terms).toEqual([1, 2]);
    source.isAway = false;
    await until(() => keys.keyring.terms.length === 1);
    expect([keys.keyring.terms, followed.current?.revision, followed.current === before]).toEqual([[2], 1, false]);
  });

  it('goes on with the keys that it has when the master key was replaced, and says so', async () => {
    const { source, keys, followed, lines, start } = follow({ lookEveryMs: 1 });
    await start();
    const other = MasterKey.fromHex('a5'.repeat(32));
    const rewrapped = Keyring.create(other, instanceId).wrappedTerm;
    source.keys = { generation: 1, keyCheck: keyCheckValue(other, instanceId), terms: [rewrapped] };
    await until(() => !keys.isMasterKeyCurrent);
    source.stored = 2;
    await until(() => followed.current?.revision === 2);
    expect(keys.keyring.terms).toEqual([1]);
    expect(lines.join('')).toContain('the master key was replaced');
  });
});
