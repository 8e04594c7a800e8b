import { epochMac } from '@onecli/shared/vault/epoch';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Configuration } from './configuration.ts';
import { EpochGuard } from './epoch-guard.ts';
import {
  agentOf,
  endFollowing,
  epochKey,
  FakeSource,
  follow,
  instanceId,
  newGate,
  until,
} from './testing/follow-store.ts';

afterEach(endFollowing);

describe('FollowedConfiguration, as to how far a store is believed', () => {
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

  it('counts the time that the machine slept, and loses none to a clock that was set back', async () => {
    const { source, followed, start } = follow({ lookEveryMs: 1 });
    await start();
    source.isAway = true;
    const { looks } = source;
    // One more may have been under way.
    await until(() => source.looks > looks + 1);
    const wallMs = Date.now();
    const clock = vi.spyOn(Date, 'now');
    try {
      // As after waking: the clock of `performance` stood still meanwhile.
      clock.mockReturnValue(wallMs + 3_600_000);
      expect(followed.unconfirmedMs).toBeGreaterThan(3_590_000);
      const isOver = followed.current?.isLeaseOver({ leaseSeconds: 60 } as Parameters<Configuration['isLeaseOver']>[0]);
      expect(isOver).toBe(true);
      clock.mockReturnValue(wallMs - 3_600_000);
      expect(followed.unconfirmedMs).toBeGreaterThanOrEqual(0);
    } finally {
      clock.mockRestore();
    }
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
