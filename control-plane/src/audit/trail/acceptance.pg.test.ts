import type { TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { owner } from '../../database/testing/open-services.ts';
import { keepAdminEvents } from './admin-entries.ts';
import { FileEdits, seeded } from './testing/file-edits.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';
import { tableEdits } from './testing/table-edits.ts';

/** `ONECLI_TEST_TRAIL_EDITS=all` tries every edit on both trails: an hour of a core. */
const isWhole = process.env['ONECLI_TEST_TRAIL_EDITS'] === 'all';

let trail: Trail;
let whole: TrailLine[];
/** The last checkpoint, as somebody has it elsewhere, and the public key. */
let kept: string;
let key: string;

/** What was not found by both verifiers, or elsewhere than it is. */
interface Missed {
  readonly name: string;
  readonly between: readonly [number, number];
  readonly product: number | undefined;
  readonly script: number | undefined;
}

/** Looks at an export with both verifiers. @returns undefined when each names an entry where the edit is */
async function look(
  { name, between }: { readonly name: string; readonly between: readonly [number, number] },
  lines: readonly TrailLine[],
  { hasMac = true, hasKept = true } = {},
): Promise<Missed | undefined> {
  const known = { key, kept: hasKept ? [kept] : [], ...(hasMac ? { macKey: trail.macKey } : {}) };
  const scripted = verifyByScript(textOf(lines), known);
  const report = verify(lines, known);
  const product = report.first?.index;
  const { index: script } = await scripted;
  const isWithin = (index: number | undefined): boolean =>
    index !== undefined && index >= between[0] && index <= between[1];
  if (!report.isSound && isWithin(product) && isWithin(script)) return undefined;
  return { name, between, product, script };
}

/** Some of many, evenly; all where all are wanted. */
function chosen<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, all.length / count);
  return all.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step));
}

async function tableExport(run: (manager: EntityManager) => Promise<void>): Promise<TrailLine[]> {
  const runner = trail.dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    await run(runner.manager);
    return await trail.lines({}, runner.manager);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

// Each look at ten thousand takes seconds: a sample is tried, of a short one more.
describe.each([
  { events: 10_000, sample: isWhole ? Number.MAX_SAFE_INTEGER : 4, places: isWhole ? 6 : 1 },
  { events: 400, sample: isWhole ? Number.MAX_SAFE_INTEGER : 40, places: 3 },
])('in a trail of $events events, by both verifiers', ({ events, sample, places }) => {
  const random = seeded(20_261_125);
  let edits: FileEdits;
  beforeAll(async () => {
    trail = await openTrail(await freshDatabase());
    const { dataSource, keys, macKey } = trail;
    const boots = ['b1', 'b2', 'b3', 'b4'].map((boot, at) => new Boot(macKey, `w${at % 2}`, boot));
    for (let round = 0; round < 10; round++) {
      for (const boot of boots) await trail.keep(boot.take(events / 40, 3 + round));
      await trail.services.agents.create(owner, { name: `bot-${round}` });
      await keepAdminEvents(dataSource, keys.keyring, macKey);
      await trail.signer.sign(0);
    }
    whole = await trail.lines();
    kept = (whole.findLast((line) => line.type === 'checkpoint') as { note: string }).note;
    key = (whole[0] as { key: string }).key;
    edits = new FileEdits(whole, random);
  }, 120_000);
  afterAll(() => trail?.close());

  it('nothing is found when nothing was altered', async () => {
    const none = { name: 'none', between: [0, 0] as const };
    expect(await look(none, whole)).toEqual({ ...none, product: undefined, script: undefined });
    const rows = await trail.dataSource.query<{ count: string }[]>('SELECT count(*) FROM audit_event');
    expect(rows).toEqual([{ count: String(events) }]);
  });

  it('any edit, deletion, insertion, swap and truncation of an export is found where it is', async () => {
    const all = [...edits.ofHead(), ...edits.ofPlaces(), ...edits.truncated(places * 5)];
    for (const at of [0, -1]) all.push(...edits.ofCheckpoint(at));
    for (const index of [0, edits.entries - 1, ...Array.from({ length: places }, () => random(edits.entries))])
      all.push(...edits.ofEntry(index));
    const tried = chosen(all, sample);
    const missed: (Missed | undefined)[] = [];
    for (const [at, edit] of tried.entries())
      missed.push(
        await look(edit, edit.lines, { hasMac: at % 2 === 0 || edit.isOfMac === true, hasKept: at % 3 === 0 }),
      );
    report(`edits of an export of ${events} events`, tried.length);
    expect(missed.filter((found) => found !== undefined)).toEqual([]);
  }, 3_600_000);

  it('any edit, deletion and swap in the database is found where it is', async () => {
    const all = [];
    for (let place = 0; place < places; place++)
      for await (const edit of tableEdits(trail.dataSource.manager, whole, random)) all.push(edit);
    const tried = chosen(all, sample);
    const missed: (Missed | undefined)[] = [];
    for (const [at, edit] of tried.entries())
      missed.push(
        await look(edit, await tableExport(edit.run), {
          hasMac: at % 2 === 0 || edit.isOfMac === true,
          hasKept: at % 3 === 0,
        }),
      );
    report(`edits in the database of ${events} events`, tried.length);
    expect(missed.filter((found) => found !== undefined)).toEqual([]);
  }, 3_600_000);

  it('what was cut off at a checkpoint is found by one that was kept alone', async () => {
    const cut = edits.cutAtCheckpoint();
    expect(await look(cut, cut.lines)).toBeUndefined();
    expect(await look(cut, cut.lines, { hasKept: false })).toMatchObject({ product: undefined, script: undefined });
  });
});

/** Beside the results of the tests, so that the count of what was tried can be read. */
function report(what: string, count: number): void {
  process.stdout.write(`${count} ${what}, each by both verifiers\n`);
}
