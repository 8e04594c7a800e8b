import { randomBytes } from 'node:crypto';
import { toHex } from '@onecli/shared/domain/audit-trail/bytes';
import { entryLeaf } from '@onecli/shared/domain/audit-trail/leaf';
import type { EndLine, EntryLine, TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { owner } from '../../database/testing/open-services.ts';
import { dropOldAudit } from '../audit-retention.ts';
import { keepAdminEvents } from './admin-entries.ts';
import { CheckpointKey } from './checkpoint-key.ts';
import { CheckpointSigner } from './checkpoint-signer.ts';
import { sha256 } from './node-hashes.ts';
import { TreeAltered } from './tree-altered.ts';
import { TrailService } from './trail.service.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';

let trail: Trail;
let boot: Boot;
beforeEach(async () => {
  trail = await openTrail(await freshDatabase());
  boot = new Boot(trail.macKey, 'w1', 'b1');
});
afterEach(() => trail?.close());

const noteOf = (lines: readonly TrailLine[]): string =>
  lines.flatMap((line) => (line.type === 'checkpoint' ? [line.note] : [])).at(-1) ?? '';

/** As somebody asks the control plane for it. */
async function exported(): Promise<TrailLine[]> {
  const { dataSource: database, keys, macKey, signer } = trail;
  const checkpointKey = new CheckpointKey(keys.auditSigningSeed);
  const { keyring } = keys;
  const service = new TrailService({ database, keyring, macKey, checkpointKey, signer, adminEventDays: 730 });
  const lines: TrailLine[] = [];
  for await (const line of await service.proof(owner, {})) lines.push(line);
  return lines;
}

describe('who can write to the database and has no key', () => {
  it('cannot stop the signing and hide what comes after behind it', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    await trail.dataSource.query(
      `UPDATE audit_tree SET taken_at = '2999-01-01', nodes = set_byte(nodes, 0, get_byte(nodes, 0) # 1)`,
    );
    await trail.keep(boot.take(30, 5));
    await trail.dataSource.query(`UPDATE audit_event SET host = 'innocent.example'`);
    const lines = await exported();
    expect(lines.filter(({ type }) => type === 'entry')).toHaveLength(90);
    const report = verify(lines, { macKey: trail.macKey });
    expect(report.isSound).toBe(false);
    const found = report.faults.map(({ message }) => message).join('\n');
    expect(found).toContain('no good checkpoint covers the entries from here on');
    expect(found).toContain('does not have the root');
    const script = await verifyByScript(textOf(lines), { macKey: trail.macKey });
    expect(script).toMatchObject({ isSound: false, text: expect.stringContaining('the list says something else') });
  });

  it('cannot have what is not signed taken for new by a time that is yet to come', async () => {
    await trail.keep(boot.take(30, 5));
    const signed = await trail.signer.sign(0);
    await trail.keep(boot.take(30, 5));
    await trail.dataSource.query(`UPDATE audit_block SET taken_at = '2999-01-01' WHERE first_index >= $1`, [signed]);
    const lines = await trail.lines();
    expect(lines.filter(({ type }) => type === 'entry').length).toBeGreaterThan(Number(signed));
    expect(verify(lines, { macKey: trail.macKey }).faults).toMatchObject([{ kind: 'UNSIGNED' }]);
  });

  it('cannot hide why nothing is signed, although all lines fit', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    await trail.dataSource.query('UPDATE audit_tree SET size = 1, nodes = substring(nodes FOR 32)');
    const lines = await exported();
    expect(verify(lines, { macKey: trail.macKey }).faults).toMatchObject([
      { kind: 'UNSIGNED', message: expect.stringContaining('shorter') },
      { kind: 'UNSIGNED', message: expect.stringContaining('not what its leaves lead to') },
    ]);
    expect((await verifyByScript(textOf(lines))).text).toContain('shorter');
  });

  it('cannot have retention delete what is young, nor have a checkpoint of it taken for one that agrees', async () => {
    for (let round = 0; round < 5; round++) {
      await trail.keep(boot.take(30, 5));
      await trail.signer.sign(0);
    }
    const all = await trail.lines();
    const end = all.findIndex((line) => line.type === 'entry' && line.index === 90);
    const early = noteOf(all.slice(0, end));
    await trail.dataSource.query(
      `UPDATE audit_block SET taken_at = taken_at - interval '4000 days' WHERE first_index < 100`,
    );
    const { dataSource: database, keys, macKey, checkpointKey } = trail;
    const options = { database, keyring: keys.keyring, macKey, checkpointKey };
    await expect(dropOldAudit({ ...options, days: 3650 }, Date.now())).rejects.toThrow('younger');
    expect(verify(await trail.lines(), { macKey: trail.macKey, kept: [early] })).toMatchObject({
      isSound: true,
      start: 0,
    });

    expect(await dropOldAudit({ ...options, days: 10 }, Date.now())).toBe(true);
    await trail.signer.sign(0);
    const lines = await trail.lines();
    expect(verify(lines, { macKey: trail.macKey })).toMatchObject({ isSound: true });
    expect(verify(lines, { kept: [early] }).faults).toMatchObject([
      { kind: 'RETENTION', message: expect.stringContaining('cannot be compared') },
    ]);
    expect((await verifyByScript(textOf(lines))).isSound).toBe(true);
    const script = await verifyByScript(textOf(lines), { kept: [early] });
    expect(script).toMatchObject({ isSound: false, text: expect.stringContaining('cannot be compared') });
  });

  it('cannot have retention delete what was never signed, by keeping the trail from being signed', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    await trail.keep(boot.take(30, 5));
    await trail.dataSource.query(`UPDATE audit_block SET taken_at = taken_at - interval '4000 days'`);
    const { dataSource: database, keys, macKey, checkpointKey } = trail;
    const options = { database, keyring: keys.keyring, macKey, checkpointKey, days: 30 };
    const drop = () => dropOldAudit(options, Date.now() + 4_000 * 86_400_000);
    await expect(drop()).rejects.toThrow('signed');
    // By whoever has the tables, too: what a row says is not what was signed.
    await database.query("INSERT INTO audit_checkpoint (size, root, note) VALUES (1000000, $1, '')", [
      Buffer.alloc(32),
    ]);
    await expect(drop()).rejects.toThrow('not good');
    await database.query('DELETE FROM audit_checkpoint WHERE size = 1000000');
    await trail.signer.sign(0);
    expect(await drop()).toBe(true);
  });

  it('cannot hide a deletion behind what is stated of another run, or found beside the entries', async () => {
    const kept = boot.interrupted();
    await trail.keep(kept);
    await trail.signer.sign(0);
    await trail.dataSource.query(`DELETE FROM audit_event WHERE reason = 'INTERRUPTED'`);
    const found = async (lines: readonly TrailLine[]) => {
      const { text } = await verifyByScript(textOf(lines));
      const told = verify(lines).faults.map(({ kind }) => kind);
      return { told, missing: text.split('lacks the event').length - 1, unsigned: text.includes('no good checkpoint') };
    };
    const deleted = { told: ['ROW_MISSING'], missing: 1, unsigned: false };
    const alone = await trail.lines();
    expect(await found(alone)).toEqual(deleted);
    const end = alone.at(-1) as EndLine;
    const beside = [...alone.slice(0, -1), { ...end, faults: ['how far w9/b9 is written was altered'] }];
    expect(await found(beside)).toEqual({ ...deleted, told: ['ROW_MISSING', 'UNSIGNED'] });

    await trail.keep({ ...new Boot(trail.macKey, 'w2', 'b2').take(3, 1), isBroken: true });
    await trail.dataSource.query(`UPDATE audit_block SET taken_at = '2999-01-01' WHERE first_index >= $1`, [end.size]);
    expect(await found(await trail.lines())).toEqual({
      told: ['ROW_MISSING', 'UNSIGNED', 'STATED'],
      missing: 1,
      unsigned: true,
    });
    await trail.signer.sign(0);
    const signed = await trail.lines();
    expect(await found(signed)).toEqual({ ...deleted, told: ['ROW_MISSING', 'STATED'] });
    const place = signed.findIndex((line) => line.type === 'entry' && line.worker === 'w2');
    const entry = signed[place] as EntryLine;
    const other = { ...entry, line: entry.line.replace('example', 'forged!'), row: undefined };
    const forged = signed.with(place, { ...other, leaf: toHex(entryLeaf(sha256, other)) });
    expect((await found(forged)).told).toContain('ROOT');
    expect((await verifyByScript(textOf(forged))).text).toContain('is not the one that was signed');
  });

  it('cannot keep what an admin did out of the trail', async () => {
    const { dataSource, keys, macKey } = trail;
    await dataSource.query('ALTER TABLE admin_event ALTER COLUMN is_in_trail SET DEFAULT true');
    await trail.services.agents.create(owner, { name: 'bot' });
    expect(await keepAdminEvents(dataSource, keys.keyring, macKey)).toBeGreaterThan(0);
    await trail.signer.sign(0);
    expect(verify(await trail.lines(), { macKey })).toMatchObject({ isSound: true });
    await dataSource.query(
      `INSERT INTO admin_event (id, at, principal, outcome, action, object_kind, object_name, revision, detail, is_in_trail)
       SELECT gen_random_uuid(), at - interval '5 minutes', 'user:mallory', outcome, action, object_kind, object_name, revision, detail, true
       FROM admin_event LIMIT 1`,
    );
    const lines = await trail.lines();
    expect(verify(lines, { macKey }).faults).toMatchObject([
      { message: expect.stringContaining('has 1 events that no entry') },
    ]);
    expect(await verifyByScript(textOf(lines))).toMatchObject({
      isSound: false,
      text: expect.stringContaining('no entry speaks of'),
    });
  });

  it('cannot have another tree signed by the process that signed the first', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    await trail.dataSource.query('TRUNCATE audit_tree, audit_block, audit_node, audit_checkpoint');
    await expect(trail.signer.sign(0)).rejects.toThrow(TreeAltered);
    await trail.keep(new Boot(trail.macKey, 'w1', 'b2').take(30, 5));
    await expect(trail.signer.sign(0)).rejects.toThrow('another one');
  });

  it('cannot have what was written anew, and signed as it is then, taken for that of which a checkpoint was kept', async () => {
    await trail.keep(boot.take(30, 5));
    const size = (await trail.signer.sign(0)) ?? 0;
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    const lines = await trail.lines();
    const treeId = (lines[0] as { key: string }).key.split('+')[0]?.split('/').at(-1) ?? '';
    const kept = [new CheckpointKey(trail.keys.auditSigningSeed).sign(treeId, size, randomBytes(32))];
    expect(verify(lines, { kept: [noteOf(lines)] }).isSound).toBe(true);
    expect(verify(lines, { kept }).faults).toMatchObject([{ kind: 'FORKED' }]);
    const script = await verifyByScript(textOf(lines), { kept });
    expect(script).toMatchObject({ isSound: false, text: expect.stringContaining('kept checkpoint') });
  });

  it('cannot have another tree, signed by a process that started since, taken for the first by who noted its key', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    const [head] = await trail.lines();
    const { key } = head as { key: string };
    await trail.dataSource.query('TRUNCATE audit_tree, audit_block, audit_node, audit_checkpoint, audit_event');
    await trail.keep(new Boot(trail.macKey, 'w1', 'b2').take(30, 5));
    await new CheckpointSigner(trail.dataSource, new CheckpointKey(trail.keys.auditSigningSeed)).sign(0);
    const lines = await trail.lines();
    expect(verify(lines).isSound).toBe(true);
    expect(verify(lines, { key }).faults.map(({ kind }) => kind)).toContain('KEY');
    const script = await verifyByScript(textOf(lines), { key });
    expect(script).toMatchObject({ isSound: false, text: expect.stringContaining('another key') });
  });
});

describe('retention', () => {
  it('takes rows a day before their entries, so that no row is without its entry', async () => {
    await trail.keep(boot.take(30, 5));
    await trail.signer.sign(0);
    const { dataSource: database, keys, macKey, checkpointKey } = trail;
    const inDays = Date.now() + 31 * 86_400_000;
    const ofWorker = async () => (await trail.lines()).filter((line) => line.type === 'entry' && line.worker === 'w1');
    const { length } = await ofWorker();
    // Two that were closed, one that is open; one of the closed is of a day that stays.
    await database.query(
      `INSERT INTO audit_intent (worker, boot, sequence, first_sequence, time, sealed_line, closed_at) VALUES
       ('w1', 'i', 1, 1, now(), '', now()), ('w1', 'i', 2, 2, now(), '', NULL), ('w1', 'i', 3, 3, now() + interval '2 days', '', now())`,
    );
    const options = { database, keyring: keys.keyring, macKey, checkpointKey, days: 30 };
    expect(await dropOldAudit(options, inDays)).toBe(true);
    const [left] = await database.query<{ rows: number }[]>('SELECT count(*)::int AS rows FROM audit_event');
    await trail.signer.sign(0);
    expect([left?.rows, (await ofWorker()).length]).toEqual([0, length]);
    const intents = await database.query('SELECT sequence::int AS sequence FROM audit_intent ORDER BY 1');
    expect(intents).toEqual([{ sequence: 2 }, { sequence: 3 }]);
    expect(verify(await trail.lines(), { macKey })).toMatchObject({ isSound: true });
  });
});
