import { consistencyPath } from '@onecli/shared/domain/audit-trail/merkle-proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { sha256 } from './node-hashes.ts';
import { NodeReader } from './node-reader.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';
import { thinCheckpoints } from './thin-checkpoints.ts';

const hourMs = 3_600_000;
const now = Date.parse('2026-06-01T12:00:00Z');
/** In hours before now, to the second: three of an hour, two of the next, many of a day of long ago, and some of today. */
const ages = [3_000.9, 3_000.5, 2_990.5, 100.9, 100.6, 100.2, 99.5, 99.1, 3.5, 3.4, 0.1];

let trail: Trail;
let notes: string[];
beforeAll(async () => {
  trail = await openTrail(await freshDatabase());
  const boot = new Boot(trail.macKey, 'w1', 'b1');
  for (const age of ages) {
    await trail.keep(boot.take(6, 2));
    const size = await trail.signer.sign(0);
    await trail.dataSource.query('UPDATE audit_checkpoint SET signed_at = $1 WHERE size = $2', [
      new Date(now - age * hourMs),
      size,
    ]);
  }
  notes = (await trail.lines()).flatMap((line) => (line.type === 'checkpoint' ? [line.note] : []));
});
afterAll(() => trail?.close());

describe('checkpoints of long ago', () => {
  it('are thinned to the last of each hour, later of each day, and the trail stays sound', async () => {
    expect(notes).toHaveLength(ages.length);
    const removed = await thinCheckpoints(trail.dataSource, now);
    const rows = await trail.dataSource.query<{ signed_at: Date }[]>(
      'SELECT signed_at FROM audit_checkpoint ORDER BY size',
    );
    const left = rows.map(({ signed_at: at }) => Math.round(((now - at.getTime()) / hourMs) * 10) / 10);
    // Of 27 January, by UTC, the last; of two hours of four days ago the last of each.
    expect(left).toEqual([2_990.5, 100.2, 99.1, 3.5, 3.4, 0.1]);
    expect(removed).toBe(ages.length - left.length);
    expect(await thinCheckpoints(trail.dataSource, now)).toBe(0);
    const lines = await trail.lines();
    const known = { macKey: trail.macKey, kept: notes };
    expect(verify(lines, known)).toMatchObject({ isSound: true, checkpoints: ages.length - removed });
    expect(await verifyByScript(textOf(lines), known)).toMatchObject({ isSound: true });
  });

  it('that are gone still prove that the trail has only grown', async () => {
    const sizes = notes.map((note) => Number(note.split('\n')[1]));
    const { full } = new NodeReader(trail.dataSource.manager);
    for (const size of sizes)
      expect(await consistencyPath(sha256, full, size, sizes.at(-1) ?? 0)).toBeInstanceOf(Array);
    const forged = await trail.lines();
    const at = forged.findIndex((line) => line.type === 'entry');
    const altered = forged.toSpliced(at, 1);
    expect(verify(altered, { kept: notes }).isSound).toBe(false);
  });

  it('do not go where they are the newest', async () => {
    await trail.dataSource.query(`UPDATE audit_checkpoint SET signed_at = '2020-01-01T00:00:00Z'`);
    await thinCheckpoints(trail.dataSource, now);
    const rows = await trail.dataSource.query<{ size: string }[]>('SELECT size FROM audit_checkpoint');
    expect(rows).toEqual([{ size: notes.at(-1)?.split('\n')[1] }]);
  });
});
