import { randomBytes } from 'node:crypto';
import { noteKey, writeNoteKey } from '@onecli/shared/domain/audit-trail/checkpoint-note';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { owner } from '../../database/testing/open-services.ts';
import { dropOldAudit } from '../audit-retention.ts';
import { keepAdminEvents } from './admin-entries.ts';
import { TreeAltered } from './tree-altered.ts';
import { sha256 } from './node-hashes.ts';
import { NodeReader } from './node-reader.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';

let trail: Trail;
beforeAll(async () => {
  trail = await openTrail(await freshDatabase());
});
afterAll(() => trail?.close());

describe('a trail', () => {
  it('of several boots, of which one died, is sound by both verifiers', async () => {
    const [one, two] = [new Boot(trail.macKey, 'w1', 'b1'), new Boot(trail.macKey, 'w2', 'b1')];
    for (let round = 0; round < 4; round++) {
      await trail.keep(one.take(700, 13));
      await trail.keep(two.take(90, 5));
      await trail.signer.sign(0);
    }
    await trail.keep(two.interrupted());
    await trail.signer.sign(0);
    const lines = await trail.lines();
    const report = verify(lines, { macKey: trail.macKey });
    expect(report).toMatchObject({ isSound: true, first: null, checkpoints: 5, areMacsChecked: true });
    const script = await verifyByScript(textOf(lines), { macKey: trail.macKey });
    expect(script).toMatchObject({
      isSound: true,
      text: expect.stringContaining(`${report.entries} entries, 5 checkpoints, MACs checked: sound`),
    });
  });

  it('is believed by its signatures alone: not with one altered, nor when another key is known', async () => {
    const lines = await trail.lines();
    const last = lines.findLastIndex(({ type }) => type === 'checkpoint');
    const { note } = lines[last] as { note: string };
    const at = note.length - 20;
    const forged = `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`;
    const altered = lines.with(last, { type: 'checkpoint', note: forged });
    expect(verify(altered).faults.map(({ kind }) => kind)).toEqual(['CHECKPOINT', 'UNSIGNED']);
    expect(await verifyByScript(textOf(altered))).toMatchObject({
      isSound: false,
      text: expect.stringContaining('its signature is not good'),
    });
    const { key: own } = lines[0] as { key: string };
    const [name = ''] = own.split('+');
    const key = writeNoteKey(noteKey(sha256, name, randomBytes(32)));
    expect(verify(lines, { key }).faults.map(({ kind }) => kind)).toContain('KEY');
    expect(await verifyByScript(textOf(lines), { key })).toMatchObject({
      isSound: false,
      text: expect.stringContaining('another key'),
    });
    expect(verify(lines, { key: own }).isSound).toBe(true);
    expect((await verifyByScript(textOf(lines), { key: own })).isSound).toBe(true);
  }, 180_000);

  it('after retention is sound still, although what went before is gone; and nobody else can drop anything', async () => {
    await trail.dataSource.query(
      `UPDATE audit_block SET taken_at = taken_at - interval '40 days' WHERE first_index < 2000`,
    );
    const { keyring } = trail.keys;
    const { dataSource: database, macKey, checkpointKey } = trail;
    const options = { database, keyring, macKey, checkpointKey, days: 30 };
    expect(await dropOldAudit(options, Date.now())).toBe(true);
    expect(await dropOldAudit(options, Date.now())).toBe(false);
    await trail.signer.sign(0);
    const lines = await trail.lines();
    const report = verify(lines, { macKey: trail.macKey });
    expect(report).toMatchObject({ isSound: true, areMacsChecked: true });
    expect(report.start).toBeGreaterThan(900);
    expect(report.start).toBeLessThan(2600);
    expect((await verifyByScript(textOf(lines), { macKey: trail.macKey })).isSound).toBe(true);

    const [next] = await trail.dataSource.query<{ first: number }[]>(
      'SELECT min(first_index)::float8 AS first FROM audit_block WHERE first_index > $1',
      [report.start],
    );
    const { size, nodes } = await new NodeReader(trail.dataSource.manager).frontierAt(next?.first ?? 0);
    await trail.dataSource.query('DELETE FROM audit_block WHERE first_index < $1', [size]);
    await trail.dataSource.query('UPDATE audit_tree SET pruned_size = $1, pruned_nodes = $2', [
      size,
      Buffer.concat(nodes),
    ]);
    const forged = await trail.lines();
    expect(verify(forged, { macKey: trail.macKey }).first).toMatchObject({ kind: 'RETENTION', index: size });
    expect(await verifyByScript(textOf(forged), { macKey: trail.macKey })).toMatchObject({
      isSound: false,
      index: size,
    });
  });
});

describe('the control plane', () => {
  let own: Trail;
  beforeAll(async () => {
    own = await openTrail(await freshDatabase());
  });
  afterAll(() => own?.close());
  const report = async () => verify(await own.lines(), { macKey: own.macKey });

  it('puts what admins did into the trail, where an edit, a deletion and a forged row of it show', async () => {
    await own.services.agents.create(owner, { name: 'bot' });
    const { dataSource, keys, macKey } = own;
    expect(await keepAdminEvents(dataSource, keys.keyring, macKey)).toBeGreaterThan(0);
    expect(await keepAdminEvents(dataSource, keys.keyring, macKey)).toBe(0);
    await own.signer.sign(0);
    expect(await report()).toMatchObject({ isSound: true });
    const [{ id } = { id: '' }] = await dataSource.query<{ id: string }[]>('SELECT id FROM admin_event LIMIT 1');
    await dataSource.query(`UPDATE admin_event SET principal = principal || 'x' WHERE id = $1`, [id]);
    expect((await report()).first).toMatchObject({ kind: 'ROW_ALTERED', id });
    await dataSource.query('DELETE FROM admin_event WHERE id = $1', [id]);
    expect((await report()).first).toMatchObject({ kind: 'ROW_MISSING', id });
  });

  it('records a gap and a wrong MAC, raises them, and keeps the entries', async () => {
    const boot = new Boot(own.macKey, 'w9', 'b9');
    await own.keep(boot.take(6, 2));
    const lost = boot.take(4, 2);
    const late = boot.take(6, 2);
    await own.keep({ ...late, gap: { from: lost.first, to: late.first - 1 } });
    const altered = boot.take(2, 2);
    const [link] = altered.links;
    await own.keep({ ...altered, rows: [], links: link ? [{ ...link, mac: '0'.repeat(64) }] : [] });
    expect(own.faults.filter((fault) => ['GAP', 'BROKEN'].includes(fault))).toEqual(['GAP', 'BROKEN']);
    const faults = await own.dataSource.query<object[]>(
      'SELECT kind, worker FROM audit_chain_fault ORDER BY entry_index',
    );
    expect(faults).toEqual([
      { kind: 'GAP', worker: 'w9' },
      { kind: 'BROKEN', worker: 'w9' },
    ]);
    await own.signer.sign(0);
    const kinds = (await report()).faults.map(({ kind }) => kind);
    expect(kinds).toContain('CHAIN_GAP');
    expect(kinds).toContain('CHAIN_BROKEN');
  });

  it('does not sign a tree that does not go on from what was signed', async () => {
    const { dataSource } = own;
    await own.keep(new Boot(own.macKey, 'w9', 'b10').take(6, 2));
    await dataSource.query(
      `UPDATE audit_block SET leaf_hashes = set_byte(leaf_hashes, 3, (get_byte(leaf_hashes, 3) + 1) % 256)
       WHERE first_index = (SELECT max(first_index) FROM audit_block)`,
    );
    await expect(own.signer.sign(0)).rejects.toThrow(TreeAltered);
    await dataSource.query('UPDATE audit_tree SET size = 1, nodes = substring(nodes FOR 32)');
    await expect(own.signer.sign(0)).rejects.toThrow('shorter');
    const { first } = await report();
    expect(first).not.toBeNull();
  });
});
