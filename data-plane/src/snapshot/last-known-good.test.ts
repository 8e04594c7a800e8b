import { randomBytes, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import type { ConfigChanges, Instance } from '@onecli/shared/ports/snapshot-source';
import { MasterKey } from '@onecli/shared/vault/master-key';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyChanges, type Openers } from './apply-changes.ts';
import { LastKnownGood } from './last-known-good.ts';

const master = MasterKey.fromHex('5a'.repeat(32));
const openers: Openers = {
  openBody: () => ({ agents: [], rules: [] }),
  openRoute: () => ({ secret: 'prod/a', hosts: [], paths: [], methods: [], inject: [] }),
  openIdentities: () => [],
  isBelieved: () => true,
};
let folder: string;
let path: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-snapshot-'));
  path = join(folder, 'worker-1.snapshot');
  lines = [];
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

const instance: Instance = {
  id: randomUUID(),
  keys: { generation: 1, keyCheck: Buffer.of(1), terms: [] },
  instanceKeys: [{ purpose: 'epoch', wrappedKey: Buffer.of(2) }],
};
const secret = (number: number, currentVersion = 1): SecretRecord => ({
  id: `id-${number}`,
  name: `prod/secret-${number}`,
  binding: { hosts: ['api.example.com'], surfaces: ['header'] },
  isDisabled: false,
  currentVersion,
  versions: new Map([[currentVersion, { id: `id-${number}`, version: currentVersion, sealed: randomBytes(80) }]]),
});
const changes = (revision: number, more: Partial<ConfigChanges>): ConfigChanges => ({
  revision,
  epoch: { instanceId: instance.id, epoch: 0, mac: undefined, isRestored: false },
  keys: instance.keys,
  isWhole: false,
  secrets: [],
  agents: [],
  policies: [],
  routes: [],
  authority: undefined,
  otherAuthorities: undefined,
  clientAuthorities: [],
  removedIds: [],
  ...more,
});
const whole = (revision: number, secrets: readonly SecretRecord[], more: Partial<ConfigChanges> = {}) =>
  changes(revision, {
    isWhole: true,
    secrets,
    authority: { id: 'authority', certificatePem: 'PEM', sealedKey: Buffer.of(3) },
    otherAuthorities: [],
    ...more,
  });

function open(more: { maxAgeMs?: number; key?: MasterKey } = {}) {
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const options = { path, master: more.key ?? master, maxAgeMs: more.maxAgeMs ?? Number.POSITIVE_INFINITY, log };
  return new LastKnownGood(options);
}

/** Keeps these changes, one after another, each on the disk before the next; gives the bytes of the file after each. */
async function keep(list: readonly ConfigChanges[], keeping = open()): Promise<number[]> {
  keeping.begin(instance, false);
  const sizes: number[] = [];
  let snapshot: ReturnType<typeof applyChanges> | undefined;
  for (const each of list) {
    snapshot = applyChanges(snapshot, each, openers);
    keeping.applied(each, snapshot);
    await keeping.settled();
    sizes.push(statSync(path).size);
  }
  await keeping.close();
  return sizes;
}

describe('LastKnownGood', () => {
  it('gives back what was applied: the whole, and what changed since', async () => {
    const proven = { sealedIdentities: Buffer.of(7), mac: Buffer.of(6) };
    const agent = { id: 'a1', name: 'bot', labels: {}, isDisabled: false, tokens: [], ...proven };
    const policy = { id: 'p1', name: 'p', version: 1, sealedBody: Buffer.of(8) };
    const route = { id: 'r1', name: 'r', version: 1, sealedBody: Buffer.of(9) };
    const three = [secret(1), secret(2), secret(3)];
    const changed = secret(2, 5);
    await keep([
      whole(1, three, { agents: [agent], policies: [policy], routes: [route] }),
      changes(2, { secrets: [changed], removedIds: ['id-3', 'r1'] }),
      changes(3, { policies: [{ ...policy, version: 2 }] }),
    ]);
    const kept = open().restore();
    expect(kept?.instance).toEqual(instance);
    expect(kept?.changes).toEqual(
      whole(3, [three[0]!, changed], { agents: [agent], policies: [{ ...policy, version: 2 }] }),
    );
  });

  it('says the same after the whole was written anew, and after it was gone on with', async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => secret(index));
    await keep([whole(1, many), changes(2, { secrets: [secret(7, 2)] })]);
    const keeping = open();
    const kept = keeping.restore();
    keeping.begin(instance, true);
    const snapshot = applyChanges(undefined, kept!.changes, openers);
    keeping.applied(kept!.changes, snapshot, true);
    const next = changes(3, { secrets: [secret(8, 3)] });
    const before = statSync(path).size;
    keeping.applied(next, applyChanges(snapshot, next, openers));
    await keeping.settled();
    expect(statSync(path).size - before).toBeLessThan(2_000);
    await keeping.close();
    const again = open().restore();
    expect(again?.changes.secrets.length).toBe(1_200);
    expect(again?.changes.secrets.find(({ name }) => name === 'prod/secret-8')?.currentVersion).toBe(3);
    expect(again?.changes.revision).toBe(3);
  });

  it('costs for a change what changed, and is written whole when changes have come to much', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => secret(index));
    const large = (revision: number) =>
      changes(revision, { secrets: Array.from({ length: 500 }, (_, index) => secret(index, revision)) });
    const list = [whole(1, many), changes(2, { secrets: [secret(1, 2)] })];
    for (let revision = 3; revision < 60; revision++) list.push(large(revision));
    const sizes = await keep(list);
    expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBeLessThan(2_000);
    expect(Math.max(...sizes)).toBeLessThan((sizes[0] ?? 0) * 1.5 + 2_000_000);
    expect(sizes.some((size, index) => size < (sizes[index - 1] ?? 0))).toBe(true);
    expect(open().restore()?.changes).toMatchObject({ revision: 59, isWhole: true });
  });

  it('shows whoever reads the file nothing of it', async () => {
    await keep([whole(1, [{ ...secret(1), name: 'prod/canary-name' }])]);
    const content = readFileSync(path);
    expect(content.includes('canary')).toBe(false);
    expect(content.includes('api.example.com')).toBe(false);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('uses no file that was altered, at any byte of its records', async () => {
    await keep([whole(1, [secret(1), secret(2)]), changes(2, { secrets: [secret(1, 2)] })]);
    const good = readFileSync(path);
    const headerBytes = 50;
    let used = 0;
    for (let at = 0; at < good.length; at += at < headerBytes ? 1 : 7) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(path, bad);
      // A length that was altered can look like the end of a file that was being written: an older state, whole.
      const kept = open().restore();
      if (kept !== undefined) used++;
      expect(kept?.changes.revision ?? 1).toBe(1);
    }
    expect(used).toBeLessThan(4);
    expect(lines.join('')).toContain('the snapshot file is not used');
  });

  it('leaves a last change out that was cut, and uses no file whose whole was', async () => {
    await keep([whole(1, [secret(1)]), changes(2, { secrets: [secret(1, 2)] })]);
    const good = readFileSync(path);
    writeFileSync(path, good.subarray(0, -3));
    expect(open().restore()?.changes.revision).toBe(1);
    expect(lines.join('')).toContain('not whole');
    const starts: number[] = [];
    for (let at = 50; at < good.length; at += 4 + good.readUInt32BE(at)) starts.push(at);
    // The head, the rows and the end of the whole, then the change.
    expect(starts).toHaveLength(4);
    for (const end of [400, ...starts.slice(0, -1)]) {
      lines = [];
      writeFileSync(path, good.subarray(0, end));
      expect(open().restore()).toBeUndefined();
      expect(lines.join('')).toContain('cut off');
    }
  });

  it('uses no file of another key, another form, another place of its records, and none that is too old', async () => {
    await keep([whole(1, [secret(1)]), changes(2, {}), changes(3, {})]);
    const good = readFileSync(path);
    expect(open({ key: MasterKey.fromHex('00'.repeat(32)) }).restore()).toBeUndefined();
    expect(open({ maxAgeMs: 1_000 }).restore(Date.now() + 2_000)).toBeUndefined();
    const starts: number[] = [];
    for (let at = 50; at < good.length; at += 4 + good.readUInt32BE(at)) starts.push(at);
    const part = (index: number) => good.subarray(starts.at(index), starts[starts.length + index + 1] ?? good.length);
    writeFileSync(path, Buffer.concat([good.subarray(0, starts.at(-2)), part(-1), part(-2)]));
    expect(open().restore()).toBeUndefined();
    writeFileSync(path, Buffer.concat([good.subarray(0, starts.at(-2)), part(-1)]));
    expect(open().restore()).toBeUndefined();
    writeFileSync(path, 'something else');
    expect(open().restore()).toBeUndefined();
    writeFileSync(path, good);
    appendFileSync(path, good.subarray(starts.at(-1)));
    expect(open().restore()).toBeUndefined();
    expect(open().restore()).toBeUndefined();
    writeFileSync(path, good);
    expect(open().restore()?.changes.revision).toBe(3);
  });

  it('takes away a file that it cannot keep up to date', async () => {
    await keep([whole(1, [secret(1)])]);
    const keeping = open();
    keeping.begin(instance, false);
    // A folder stands where the next file would be written.
    writeFileSync(join(folder, 'other'), '');
    const blocked = `${path}.next`;
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(blocked, 'in-the-way'), { recursive: true });
    const next = whole(2, [secret(1, 2)]);
    keeping.applied(next, applyChanges(undefined, next, openers));
    await keeping.settled();
    expect(existsSync(path)).toBe(false);
    expect(lines.join('')).toContain('cannot be written and was taken away');
    await keeping.close();
  });

  it('leaves the file as it is after its close, whatever comes then', async () => {
    const keeping = open();
    keeping.begin(instance, false);
    const first = whole(1, [secret(1)]);
    const snapshot = applyChanges(undefined, first, openers);
    keeping.applied(first, snapshot);
    await keeping.settled();
    const before = readFileSync(path);
    await keeping.close();
    const next = changes(2, { secrets: [secret(1, 2)] });
    keeping.applied(next, applyChanges(snapshot, next, openers));
    keeping.confirmed(Date.now() + 3_600_000);
    await keeping.settled();
    expect(readFileSync(path)).toEqual(before);
    expect(lines.join('')).not.toContain('taken away');
    expect(open().restore()?.changes.revision).toBe(1);
  });

  it('writes down now and then that the store had nothing newer', async () => {
    const keeping = open();
    keeping.begin(instance, false);
    const first = whole(1, [secret(1)]);
    keeping.applied(first, applyChanges(undefined, first, openers));
    await keeping.settled();
    const later = Date.now() + 3_600_000;
    keeping.confirmed(later);
    keeping.confirmed(later + 10);
    await keeping.settled();
    await keeping.close();
    expect(open().restore()?.confirmedAtMs).toBe(later);
  });
});
