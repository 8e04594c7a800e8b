import type { TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { owner } from '../../database/testing/open-services.ts';
import { writeHead } from '../boot-head.ts';
import { keepAdminEvents } from './admin-entries.ts';
import { FileEdits, seeded } from './testing/file-edits.ts';
import { ManyExports } from './testing/many-exports.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';
import { recordEdits, type TableEdit, tableEdits } from './testing/table-edits.ts';

/** `ONECLI_TEST_TRAIL_EDITS=all` tries every kind of edit, at places all over both trails: minutes of a core. */
const isWhole = process.env['ONECLI_TEST_TRAIL_EDITS'] === 'all';

let trail: Trail;
let whole: TrailLine[];
/** The last checkpoint, as somebody has it elsewhere, and the public key. */
let kept: string;
let key: string;
let many: ManyExports;

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
  const scripted = many.verify(lines, known);
  const report = verify(lines, known);
  const product = report.first?.index;
  const script = await scripted;
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

/** Makes edits in the database, each in a transaction that is taken back, and looks at what is exported then. */
async function missedIn(tried: readonly TableEdit[]): Promise<readonly Missed[]> {
  const missed: Missed[] = [];
  for (const [at, edit] of tried.entries()) {
    const lines = await tableExport(edit.run);
    const found = await look(edit, lines, { hasMac: at % 2 === 0 || edit.isOfMac === true, hasKept: at % 3 === 0 });
    if (found !== undefined) missed.push(found);
  }
  return missed;
}

// Each look at ten thousand takes a second: a sample is tried, of a short one more.
describe.each([
  { events: 10_000, sample: isWhole ? Number.MAX_SAFE_INTEGER : 4, places: isWhole ? 3 : 2 },
  { events: 400, sample: isWhole ? Number.MAX_SAFE_INTEGER : 40, places: isWhole ? 5 : 3 },
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
    const [over, ...running] = boots as [Boot, ...Boot[]];
    await trail.keep(over.interrupted());
    await trail.signer.sign(0);
    for (const { name, head } of [over, ...running])
      await writeHead(dataSource.manager, { keyring: keys.keyring, macKey }, name, head);
    whole = await trail.lines();
    kept = (whole.findLast((line) => line.type === 'checkpoint') as { note: string }).note;
    key = (whole[0] as { key: string }).key;
    edits = new FileEdits(whole, random);
    many = new ManyExports(whole);
  }, 120_000);
  afterAll(async () => {
    await many?.close();
    await trail?.close();
  });

  it('nothing is found when nothing was altered', async () => {
    const none = { name: 'none', between: [0, 0] as const };
    expect(await look(none, whole)).toEqual({ ...none, product: undefined, script: undefined });
    expect(await verifyByScript(textOf(whole), { key, macKey: trail.macKey, kept: [kept] })).toMatchObject({
      isSound: true,
    });
    const rows = await trail.dataSource.query<{ count: string }[]>('SELECT count(*) FROM audit_event');
    expect(rows).toEqual([{ count: String(events + 1) }]);
  });

  it('any edit, deletion, insertion, swap and truncation of an export is found where it is', async () => {
    const all = [...edits.ofHead(), ...edits.ofPlaces(), ...edits.truncated(places * 5)];
    for (const at of isWhole ? [0, 1, 5, -2, -1] : [0, -1]) all.push(...edits.ofCheckpoint(at));
    for (const index of [0, edits.entries - 1, ...Array.from({ length: places }, () => random(edits.entries))])
      all.push(...edits.ofEntry(index));
    const tried = chosen(all, sample);
    const missed: (Missed | undefined)[] = [];
    for (const [at, edit] of tried.entries())
      missed.push(
        await look(edit, edit.lines, { hasMac: at % 2 === 0 || edit.isOfMac === true, hasKept: at % 3 === 0 }),
      );
    expect(missed.filter((found) => found !== undefined)).toEqual([]);
    report(`edits of an export of ${events} events`, tried.length);
  }, 3_600_000);

  it('any edit, deletion and swap in the database is found where it is', async () => {
    const all = [];
    for await (const edit of tableEdits(trail.dataSource.manager, whole, random, places)) all.push(edit);
    const tried = chosen(all, sample);
    expect(await missedIn(tried)).toEqual([]);
    report(`edits in the database of ${events} events`, tried.length);
  }, 3_600_000);

  it('any edit of what is kept so that the trail can go on is found, before it does', async () => {
    const all = [];
    for await (const edit of recordEdits(trail.dataSource.manager, edits.entries)) all.push(edit);
    const tried = chosen(all, events === 400 ? sample : sample / 2);
    expect(await missedIn(tried)).toEqual([]);
    report(`edits of records of a trail of ${events} events`, tried.length);
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
