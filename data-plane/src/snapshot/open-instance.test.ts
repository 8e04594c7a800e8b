import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigChanges, Instance } from '@onecli/shared/ports/snapshot-source';
import { instancePurposes } from '@onecli/shared/vault/instance-keys';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyChanges } from './apply-changes.ts';
import { LastKnownGood } from './last-known-good.ts';
import { openInstance } from './open-instance.ts';

const master = MasterKey.fromHex('5a'.repeat(32));
const lines: string[] = [];
const log = pino({}, { write: (line: string) => void lines.push(line) });
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'onecli-instance-'))));
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  lines.length = 0;
});

const file = () => ({ path: join(folder, 'w.snapshot'), master, maxAgeMs: Number.POSITIVE_INFINITY, log });
const newInstance = (purposes: readonly string[] = instancePurposes): Instance => ({
  id: randomUUID(),
  keys: { generation: 1, keyCheck: Buffer.of(1), terms: [] },
  instanceKeys: purposes.map((purpose) => ({ purpose, wrappedKey: randomBytes(60) })),
});

/** A file that a worker of an instance has kept. */
async function keep(instance: Instance): Promise<void> {
  const keeping = new LastKnownGood(file());
  keeping.begin(instance, false);
  const changes: ConfigChanges = {
    revision: 7,
    epoch: { instanceId: instance.id, epoch: 0, mac: undefined, isRestored: false },
    keys: instance.keys,
    isWhole: true,
    secrets: [],
    agents: [],
    policies: [],
    routes: [],
    authority: { id: 'authority', certificatePem: 'PEM', sealedKey: Buffer.of(3) },
    otherAuthorities: [],
    clientAuthorities: [],
    removedIds: [],
  };
  const openers = {
    openBody: () => ({ agents: [], rules: [] }),
    openRoute: () => ({ secret: 'prod/a', hosts: [], paths: [], methods: [], inject: [] }),
    openIdentities: () => [],
    isBelieved: () => true,
  };
  keeping.applied(changes, applyChanges(undefined, changes, openers));
  await keeping.close();
}

const open = (instance: () => Promise<Instance>) =>
  openInstance({ instance }, file(), log, new AbortController().signal);
const away = () => Promise.reject(new Error('the database is away'));

describe('an instance with a file of its last good configuration', () => {
  it('is as the database says, and begins with what was kept of it', async () => {
    const instance = newInstance();
    await keep(instance);
    const { isFromStore, kept } = await open(async () => instance);
    expect([isFromStore, kept?.changes.revision]).toEqual([true, 7]);
  });

  it('does not begin with what was kept of another one', async () => {
    await keep(newInstance());
    const instance = newInstance();
    const opened = await open(async () => instance);
    expect([opened.instance.id, opened.kept]).toEqual([instance.id, undefined]);
    expect(lines.join('')).toContain('of another instance');
  });

  it('is as it was kept while the database is away, unless what was kept lacks a key', async () => {
    const kept = newInstance();
    await keep(kept);
    const opened = await open(away);
    expect([opened.isFromStore, opened.instance.id]).toEqual([false, kept.id]);
    await keep(newInstance(instancePurposes.slice(1)));
    const instance = newInstance();
    let tries = 0;
    const late = await open(() => (++tries < 3 ? away() : Promise.resolve(instance)));
    expect([late.isFromStore, late.instance.id, late.kept]).toEqual([true, instance.id, undefined]);
  });
});
