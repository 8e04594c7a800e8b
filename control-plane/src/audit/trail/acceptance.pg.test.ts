import type { EntryLine, TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';

/** Events by four boots, signed again and again. */
let trail: Trail;
let whole: TrailLine[];
/** The last checkpoint, as somebody has it elsewhere, and the public key. */
let kept: string;
let key: string;

interface Found {
  readonly product: number | undefined;
  readonly script: number | undefined;
}

/** Where each verifier sees the first fault. The script, by another way of looking, may name it by the row of it or the entry. */
function find(lines: readonly TrailLine[], { hasMac = true, hasKept = true } = {}): Found {
  const checkpoints = hasKept ? [kept] : [];
  const macKey = hasMac ? { macKey: trail.macKey } : {};
  const report = verify(lines, { ...macKey, key, kept: checkpoints });
  const script = verifyByScript(textOf(lines), { ...macKey, key, kept: checkpoints });
  expect(report.isSound).toBe(report.first === null);
  return { product: report.first?.index, script: script.index };
}

const entryAt = (index: number): EntryLine => whole.filter((line) => line.type === 'entry')[index] as EntryLine;
const placeOf = (index: number): number => whole.indexOf(entryAt(index));
const size = (): number => whole.filter(({ type }) => type === 'entry').length;
const altered = (index: number, change: (entry: EntryLine) => EntryLine): TrailLine[] =>
  whole.with(placeOf(index), change(entryAt(index)));

const edits: Readonly<Record<string, (entry: EntryLine) => EntryLine>> = {
  'a digit of the entry': (entry) => ({
    ...entry,
    line: entry.line.replace(/(\d)(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)),
  }),
  'its worker': (entry) => ({ ...entry, worker: `${entry.worker}x` }),
  'its leaf': (entry) => ({ ...entry, leaf: `${entry.leaf.startsWith('0') ? 1 : 0}${entry.leaf.slice(1)}` }),
  'its MAC, or that it has none': ({ mac, ...entry }) =>
    mac === undefined ? { ...entry, mac: '0'.repeat(64) } : entry,
};

/** First, middle and last, and so many that chance takes; the seed makes them the same each time. */
function places(count: number): number[] {
  let state = 20_261_125;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const taken = Array.from({ length: count }, () => Math.floor(random() * size()));
  return [0, Math.floor(size() / 2), size() - 1, ...taken];
}

// Each verification of ten thousand takes seconds: there each kind is tried once; many are tried on a shorter trail.
describe.each([
  { events: 10_000, random: 0 },
  { events: 400, random: 4 },
])('in a trail of $events events, by both verifiers', ({ events, random }) => {
  const isLong = events === 10_000;
  beforeAll(async () => {
    trail = await openTrail(await freshDatabase());
    const boots = ['b1', 'b2', 'b3', 'b4'].map((boot, at) => new Boot(trail.macKey, `w${at % 2}`, boot));
    for (let round = 0; round < 10; round++) {
      for (const boot of boots) await trail.keep(boot.take(events / 40, 3 + round));
      await trail.signer.sign(0);
    }
    whole = await trail.lines();
    kept = (whole.findLast((line) => line.type === 'checkpoint') as { note: string }).note;
    key = (whole[0] as { key: string }).key;
  }, 120_000);
  afterAll(() => trail?.close());

  it('nothing is found when nothing was altered', async () => {
    expect(find(whole)).toEqual({ product: undefined, script: undefined });
    const rows = await trail.dataSource.query<{ count: string }[]>('SELECT count(*) FROM audit_event');
    expect(rows).toEqual([{ count: String(events) }]);
  });

  it('an edit of an entry is found where it is, with the MAC key or without', () => {
    for (const [kind, [name, edit]] of Object.entries(edits).entries())
      for (const [at, index] of places(isLong ? 0 : random / 4).entries()) {
        if (isLong && at !== kind % 3) continue;
        const known = { hasMac: at % 2 === 0, hasKept: at % 3 === 0 };
        const found = find(altered(index, edit), known);
        expect({ name, index, ...found }).toEqual({ name, index, product: index, script: index });
      }
  }, 180_000);

  it('an edit of any field of a row of the list is found at the entry that says otherwise', () => {
    const outcomes = whole.filter((line): line is EntryLine => line.type === 'entry' && line.row != null);
    for (const [at, field] of Object.keys(outcomes[0]?.row ?? {}).entries()) {
      if (isLong && at !== 7) continue;
      const entry = outcomes[(at * 457) % outcomes.length] as EntryLine;
      const row = { ...entry.row, [field]: field === 'latencyMs' ? -1 : 'other' };
      const { index } = entry;
      const found = { field, ...find(altered(index, () => ({ ...entry, row }))) };
      expect(found).toEqual({ field, product: index, script: index });
      if (at % 5 > 0) continue;
      expect(find(altered(index, () => ({ ...entry, row: null })))).toEqual({ product: index, script: index });
    }
  }, 180_000);

  it('a deletion is found', () => {
    for (const index of places(random)) {
      const found = find(whole.toSpliced(placeOf(index), 1), { hasKept: false });
      expect({ index, ...found }).toEqual({ index, product: index, script: index });
    }
  }, 180_000);

  it('a swap is found, of neighbours and of any two, also when their numbers are put right', () => {
    for (const [at, index] of places(random).entries()) {
      if (isLong && at !== 1) continue;
      const other = at % 2 === 0 ? (index + 1) % size() : (index * 7 + 3) % size();
      const first = Math.min(index, other);
      if (first === Math.max(index, other)) continue;
      const swapped = whole.with(placeOf(index), entryAt(other)).with(placeOf(other), entryAt(index));
      expect(find(swapped)).toEqual({ product: first, script: first });
      const put = { ...entryAt(index), index: other };
      const renumbered = altered(index, () => ({ ...entryAt(other), index })).with(placeOf(other), put);
      expect(find(renumbered)).toEqual({ product: first, script: first });
    }
  }, 180_000);

  it('a truncation is found: by the missing end, by a checkpoint, and by one that was kept when all else was made to fit', () => {
    for (const index of places(random).slice(isLong ? 2 : 0)) {
      const { product, script } = find(whole.slice(0, placeOf(index)), { hasKept: false });
      expect([product, script]).not.toContain(undefined);
    }
    const last = whole.findLastIndex((line, at) => line.type === 'checkpoint' && at < whole.length - 3);
    const covered = whole.slice(0, last + 1).filter(({ type }) => type === 'entry').length;
    const fitted: TrailLine[] = [...whole.slice(0, last + 1), { type: 'end', size: covered }];
    expect(find(fitted, { hasKept: false })).toEqual({ product: undefined, script: undefined });
    expect(find(fitted)).toEqual({ product: covered, script: covered });
  }, 180_000);
});
