import { afterEach, describe, expect, it } from 'vitest';
import { agentOf, endFollowing, FakeSource, follow, instanceId, newGate, until } from './testing/follow-store.ts';

afterEach(endFollowing);

describe('FollowedConfiguration, at its start', () => {
  it('reports before it first reads, so that a write finds the report or is in what is read', async () => {
    const { source, followed, ending } = follow();
    const gate = newGate();
    let reports = 0;
    const started = followed.start(ending.signal, { send: () => (++reports === 1 ? gate.opened : Promise.resolve()) });
    for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
    expect([reports, source.loads]).toEqual([1, 0]);
    source.stored = 2;
    gate.open();
    await started;
    expect([source.loads, agentOf(followed)]).toEqual([1, 'agent-2']);
  });

  it('reports before it reads what is newer than what was kept, and does not wait for a store that is away', async () => {
    const changes = await new FakeSource().changesSince(undefined);
    const kept = {
      instance: { id: instanceId, keys: changes.keys, instanceKeys: [] },
      changes,
      confirmedAtMs: Date.now(),
    };
    const { source, followed, ending } = follow({ kept });
    const gate = newGate();
    const started = followed.start(ending.signal, { send: () => gate.opened });
    for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
    expect(source.loads).toBe(0);
    source.stored = 2;
    gate.open();
    await started;
    expect(agentOf(followed)).toBe('agent-2');
    const alone = follow({ kept, isStoreAway: true });
    await alone.followed.start(alone.ending.signal, { send: () => newGate().opened });
    expect([alone.source.loads, agentOf(alone.followed)]).toEqual([0, 'agent-1']);
  });

  it('takes up what the bus announces while it reads for the first time, before it serves', async () => {
    const { source, bus, followed, start } = follow();
    const gate = newGate();
    source.gate = gate.opened;
    const started = start();
    await until(() => source.loads === 1);
    source.stored = 2;
    await bus.announce(2);
    gate.open();
    await started;
    expect(agentOf(followed)).toBe('agent-2');
  });
});
