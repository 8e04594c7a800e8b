import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import type {
  ConfigChanges,
  SnapshotSource,
  StoredKeys,
  StoreEpoch,
  StorePosition,
} from '@onecli/shared/ports/snapshot-source';
import { keyCheckValue } from '@onecli/shared/vault/key-check';
import { epochMac } from '@onecli/shared/vault/epoch';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { Configuration } from './configuration.ts';
import { EpochGuard } from './epoch-guard.ts';
import { FollowedConfiguration, type FollowOptions } from './follow-configuration.ts';
import { sampleAgent } from './testing/sample-snapshot.ts';
import { WorkerKeys } from './worker-keys.ts';

const master = MasterKey.fromHex('5a'.repeat(32));
const instanceId = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const { keyring: made, wrappedTerm: term1 } = Keyring.create(master, instanceId);
const term2 = made.wrapNewTerm();
const epochKey = Buffer.alloc(32, 7);

/** A store in memory: its one agent is named after the revision. */
class FakeSource implements SnapshotSource {
  stored = 1;
  keys: StoredKeys = { generation: 0, keyCheck: keyCheckValue(master, instanceId), terms: [term1] };
  epoch: StoreEpoch = { epoch: 0, mac: undefined, isRestored: false };
  isAway = false;
  loads = 0;
  looks = 0;
  running = 0;
  mostRunning = 0;
  /** While it is set, loads wait for it. */
  gate: Promise<void> | undefined;
  lookGate: Promise<void> | undefined;

  async position(): Promise<StorePosition> {
    this.looks++;
    await this.lookGate;
    if (this.isAway) throw new Error('the store is away');
    return { revision: this.stored, keyGeneration: this.keys.generation, epoch: this.epoch };
  }

  async changesSince(revision: number | undefined): Promise<ConfigChanges> {
    this.loads++;
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    const { stored } = this;
    try {
      await this.gate;
      if (this.isAway) throw new Error('the store is away');
    } finally {
      this.running--;
    }
    return {
      revision: stored,
      keys: this.keys,
      epoch: this.epoch,
      isWhole: revision === undefined || revision > stored,
      secrets: [],
      agents: [{ ...sampleAgent(`agent-${stored}`, { id: '1' }), sealedIdentities: undefined }],
      policies: [],
      routes: [],
      authority: { id: 'authority-1', certificatePem: 'PEM', sealedKey: Buffer.alloc(0) },
      otherAuthorities: undefined,
      clientAuthority: undefined,
      removedIds: [],
    };
  }

  instance = () => Promise.reject(new Error('not asked'));
  heartbeat = () => Promise.resolve();
  close = () => Promise.resolve();
}

const endings: AbortController[] = [];
afterEach(() => {
  for (const ending of endings.splice(0)) ending.abort();
});

function follow(change: Partial<FollowOptions> = {}) {
  const source = new FakeSource();
  const bus = new MemoryConfigBus();
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const keys = new WorkerKeys(master, { id: instanceId, keys: source.keys }, log);
  const followed = new FollowedConfiguration({
    source,
    bus,
    keys,
    epochs: new EpochGuard(epochKey),
    log,
    lookEveryMs: 3_600_000,
    openBody: () => ({ agents: [], rules: [] }),
    openRoute: () => ({ secret: '', hosts: [], paths: [], methods: [], inject: [] }),
    openIdentities: () => [],
    ...change,
  });
  const ending = new AbortController();
  endings.push(ending);
  return { source, bus, keys, lines, followed, ending, start: () => followed.start(ending.signal) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function newGate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const agentOf = (followed: FollowedConfiguration) => followed.current?.snapshot.agents.get('1')?.name;

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
    await followed.start(ending.signal, () => void told.push(followed.settledRevision));
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

  it('keeps the last good configuration when a restored store is not confirmed, and takes it once it is', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    source.stored = 9;
    await start();
    source.epoch = { epoch: 1, mac: undefined, isRestored: true };
    source.stored = 4;
    await until(() => followed.refusal === 'UNCONFIRMED_RESTORE');
    expect(agentOf(followed)).toBe('agent-9');
    source.epoch = { epoch: 1_000, mac: epochMac(epochKey, 1_000), isRestored: false };
    await until(() => followed.current?.revision === 4);
    expect([agentOf(followed), followed.refusal]).toEqual(['agent-4', undefined]);
  });

  it('takes no restored store whose revision is higher either, before it is confirmed', async () => {
    const { source, bus, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    source.epoch = { epoch: 1, mac: undefined, isRestored: true };
    source.stored = 20;
    await bus.announce(20);
    await until(() => followed.refusal === 'UNCONFIRMED_RESTORE');
    expect(agentOf(followed)).toBe('agent-1');
  });

  it('follows no store of another instance, whatever its epoch and revision', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1, epochs: new EpochGuard(epochKey, instanceId) });
    source.epoch = { instanceId, epoch: 0, mac: undefined, isRestored: false };
    source.stored = 9;
    await start();
    const other = '0192f0c1-2b3c-7d4e-8f50-112233445567';
    for (const epoch of [0, 5]) {
      source.epoch = { instanceId: other, epoch, mac: epochMac(epochKey, epoch), isRestored: false };
      source.stored = 20;
      await until(() => followed.refusal === 'OTHER_INSTANCE');
      const { looks } = source;
      await until(() => source.looks > looks + 3);
      expect(agentOf(followed)).toBe('agent-9');
      source.epoch = { instanceId, epoch: 0, mac: undefined, isRestored: false };
      source.stored = 9;
      await until(() => followed.refusal === undefined);
    }
  });

  it('tells how long ago the store confirmed what is in force, and does not count one that it refuses', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    expect(followed.unconfirmedMs).toBe(Number.POSITIVE_INFINITY);
    await start();
    await until(() => followed.unconfirmedMs < 1_000);
    source.isAway = true;
    const then = performance.now();
    await until(() => performance.now() - then > 50);
    expect(followed.unconfirmedMs).toBeGreaterThan(30);
    source.isAway = false;
    source.stored = 9;
    await until(() => followed.current?.revision === 9);
    source.stored = 4;
    await until(() => followed.refusal === 'WENT_BACK');
    const before = followed.unconfirmedMs;
    const looks = source.looks;
    await until(() => source.looks > looks + 3);
    expect(followed.unconfirmedMs).toBeGreaterThan(before);
  });

  it('takes the time of the question for that of the confirmation, however late the answer comes', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    const [first, second] = [newGate(), newGate()];
    source.lookGate = first.opened;
    const { looks } = source;
    await until(() => source.looks > looks);
    const then = performance.now();
    await until(() => performance.now() - then > 50);
    source.lookGate = second.opened;
    first.open();
    await until(() => source.looks > looks + 1);
    expect(followed.unconfirmedMs).toBeGreaterThan(50);
    second.open();
  });

  it('has what was kept be as old as it is, also for leases, until the store confirms it', async () => {
    const changes = await new FakeSource().changesSince(undefined);
    const instance = { id: instanceId, keys: changes.keys, instanceKeys: [] };
    const keptAt = (confirmedAtMs: number) => {
      const made = follow({ lookEveryMs: 1, isStoreAway: true, kept: { instance, changes, confirmedAtMs } });
      made.source.isAway = true;
      return made;
    };
    const { source, followed, start } = keptAt(Date.now() - 3_600_000);
    await start();
    expect(followed.unconfirmedMs).toBeGreaterThan(3_590_000);
    const isOver = (leaseSeconds: number | undefined) =>
      followed.current?.isLeaseOver({ leaseSeconds } as Parameters<Configuration['isLeaseOver']>[0]);
    expect([isOver(60), isOver(3_700), isOver(undefined)]).toEqual([true, false, false]);
    source.isAway = false;
    await until(() => isOver(60) === false);
    // A clock that was set back since then.
    const early = keptAt(Date.now() + 3_600_000);
    await early.start();
    expect(early.followed.unconfirmedMs).toBeGreaterThanOrEqual(0);
  });

  it('believes no epoch that only somebody with the database has written', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    source.stored = 9;
    await start();
    for (const mac of [undefined, Buffer.alloc(32), epochMac(Buffer.alloc(32), 5), epochMac(epochKey, 4)]) {
      source.epoch = { epoch: 5, mac, isRestored: false };
      source.stored = 4;
      await until(() => followed.refusal === 'EPOCH_FORGED');
      expect(agentOf(followed)).toBe('agent-9');
      source.epoch = { epoch: 0, mac: undefined, isRestored: false };
      source.stored = 9;
      await until(() => followed.refusal === undefined);
    }
  });

  it('goes back to no epoch before its own, however well it was confirmed', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    source.epoch = { epoch: 50, mac: epochMac(epochKey, 50), isRestored: false };
    source.stored = 9;
    await start();
    source.epoch = { epoch: 40, mac: epochMac(epochKey, 40), isRestored: false };
    source.stored = 12;
    await until(() => followed.refusal === 'EPOCH_FORGED');
    expect(agentOf(followed)).toBe('agent-9');
  });
});
