import type { EntryLine, TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import type { EntityManager } from 'typeorm';

/** What somebody who can write to the database does to one row, and between which entries the first fault has to be named. */
export interface TableEdit {
  readonly name: string;
  readonly between: readonly [number, number];
  readonly run: (manager: EntityManager) => Promise<void>;
  /** Only who has the key of the chains can find it. */
  readonly isOfMac?: boolean;
}

/** Columns of which no proof is made, and why. */
const unproven: Readonly<Record<string, string>> = {
  'audit_event.written_by': 'the order for those who follow the list',
  'audit_event.written_at_place': 'the order for those who follow the list',
  'admin_event.is_in_trail': 'what is put into the trail once more is found as said twice',
  'audit_block.taken_at': 'when the control plane took it; retention looks into the block',
  'audit_checkpoint.signed_at': 'when the next checkpoint is due',
  'audit_tree.is_only': 'there is one row',
  'audit_tree.taken_at': 'that the time of blocks does not go back',
  'audit_boot.updated_at': 'when a worker was last heard of',
  'audit_boot.first_at': 'when it was heard of first',
  'audit_boot.ended_at': 'when it was over: that it is shows below',
};

const otherValues: Readonly<Record<string, string>> = {
  text: `'x' || coalesce(§, '')`,
  uuid: 'gen_random_uuid()',
  bigint: 'coalesce(§, 0) + 1',
  integer: '§ + 1',
  real: '§ + 1',
  'timestamp with time zone': `coalesce(§, now()) + interval '1 second'`,
  ARRAY: `array_append(§, 'prod/other@1')`,
  bytea: `CASE WHEN length(§) = 0 THEN '\\x01' ELSE set_byte(§, length(§) / 2, get_byte(§, length(§) / 2) # 1) END`,
  jsonb: `coalesce(§, '{}') || '{"other": 1}'`,
};

interface Column {
  readonly column_name: string;
  readonly data_type: string;
}

/** A row by what tells it from others, and where the verifiers have to see it. */
interface Row {
  readonly table: string;
  readonly where: string;
  readonly values: readonly unknown[];
  readonly between: readonly [number, number];
}

/** Every column of a row, and its deletion. */
async function* ofRow(manager: EntityManager, row: Row): AsyncGenerator<TableEdit> {
  const { table, where, values, between } = row;
  const columns = await manager.query<Column[]>(
    'SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position',
    [table],
  );
  const edit = (name: string, text: string): TableEdit => ({
    name: `${name} (${values.join(', ')})`,
    between,
    run: async (transaction) => void (await transaction.query(text, [...values])),
    isOfMac: name === 'audit_block.previous_mac',
  });
  for (const { column_name: column, data_type: type } of columns) {
    if (`${table}.${column}` in unproven) continue;
    const other = otherValues[type];
    if (other === undefined) throw new Error(`${table}.${column}: no other value of ${type}`);
    yield edit(`${table}.${column}`, `UPDATE ${table} SET ${column} = ${other.replaceAll('§', column)} WHERE ${where}`);
  }
  yield edit(`deletion from ${table}`, `DELETE FROM ${table} WHERE ${where}`);
}

/**
 * Edits of rows of each table: of requests, of what admins did, of blocks of entries, of checkpoints. Of each so many rows as are asked
 * for, spread over the trail.
 */
export async function* tableEdits(
  manager: EntityManager,
  whole: readonly TrailLine[],
  random: (below: number) => number,
  places: number,
): AsyncGenerator<TableEdit> {
  const withRow = whole.filter((line): line is EntryLine => line.type === 'entry' && line.row != null);
  const isAdmin = ({ worker }: EntryLine): boolean => worker === '@control-plane';
  for (const [table, entries] of [
    ['audit_event', withRow.filter((line) => !isAdmin(line))],
    ['admin_event', withRow.filter(isAdmin)],
  ] as const) {
    for (const { index, row } of spread(entries, places, random))
      yield* ofRow(manager, { table, where: 'id::text = $1', values: [row?.['id']], between: [index, index] });
  }
  yield* ofBlocks(manager, random, places);
  const checkpoints = await manager.query<{ size: number }[]>(
    'SELECT size::float8 AS size FROM audit_checkpoint ORDER BY size',
  );
  // What stands beside the note is told at the end.
  for (const { size } of spread(checkpoints, places, random))
    yield* ofCheckpoint(manager, size, { isLast: size === checkpoints.at(-1)?.size, end: whole.length });
}

async function* ofCheckpoint(
  manager: EntityManager,
  size: number,
  { isLast, end }: { readonly isLast: boolean; readonly end: number },
): AsyncGenerator<TableEdit> {
  const row = { table: 'audit_checkpoint', where: 'size = $1', values: [size], between: [0, end] as const };
  // One that is gone is covered by those after it, as where they are thinned.
  for await (const edit of ofRow(manager, row)) if (isLast || !edit.name.startsWith('deletion')) yield edit;
}

/** The last, and others of which chance takes one of each of so many parts. */
function spread<T>(all: readonly T[], places: number, random: (below: number) => number): readonly T[] {
  const part = Math.max(1, Math.floor(all.length / places));
  const picked = Array.from({ length: places - 1 }, (_, at) => all[at * part + random(part)]);
  return [...new Set([...picked, all.at(-1)])].filter((each) => each !== undefined);
}

/**
 * Edits of what is kept so that the trail can go on: of the tree, and of how far runs are written. No entry is named then.
 * @param size of the trail
 */
export async function* recordEdits(manager: EntityManager, size: number): AsyncGenerator<TableEdit> {
  const between = [0, size + 1] as const;
  for await (const edit of ofRow(manager, { table: 'audit_tree', where: 'true', values: [], between }))
    if (!edit.name.startsWith('deletion')) yield edit;
  const boots = await manager.query<{ boot: string }[]>('SELECT boot FROM audit_boot ORDER BY boot');
  for (const { boot } of boots) {
    const row = { table: 'audit_boot', where: 'boot = $1', values: [boot], between };
    for await (const edit of ofRow(manager, row)) if (!edit.name.startsWith('deletion')) yield edit;
    const ended = 'ended_at = CASE WHEN ended_at IS NULL THEN now() END';
    const others = [ended, 'through = through + 1', 'through = through - 1', `mac = repeat('0', 64)`];
    for (const set of [ended, ...others.map((other) => `seal = NULL, ${other}`)])
      yield {
        name: `audit_boot: ${set} (${boot})`,
        between,
        run: async (transaction) =>
          void (await transaction.query(`UPDATE audit_boot SET ${set} WHERE boot = $1`, [boot])),
      };
  }
}

async function* ofBlocks(
  manager: EntityManager,
  random: (below: number) => number,
  places: number,
): AsyncGenerator<TableEdit> {
  const blocks = await manager.query<{ first: number; count: number }[]>(
    'SELECT first_index::float8 AS first, entry_count AS count FROM audit_block WHERE entry_count > 1 ORDER BY first_index',
  );
  for (const { first, count } of new Set(
    [blocks[0], ...spread(blocks, places, random)].filter((block) => block !== undefined),
  ))
    yield* ofRow(manager, {
      table: 'audit_block',
      where: 'first_index = $1',
      values: [first],
      between: [first, first + count],
    });
  const [one, two] = [blocks[1]?.first ?? 0, blocks[random(blocks.length - 3) + 2]?.first ?? 0];
  for (const columns of [
    'sealed_lines',
    'leaf_hashes',
    'sealed_lines, leaf_hashes',
    'worker, boot, first_sequence, previous_mac, sealed_lines, leaf_hashes',
  ]) {
    const others = columns.split(', ').map((column) => `${column} = o.${column}`);
    yield {
      name: `swap of ${columns} of two blocks`,
      between: [one, one],
      run: async (transaction) =>
        void (await transaction.query(
          `UPDATE audit_block b SET ${others.join(', ')} FROM audit_block o
           WHERE (b.first_index, o.first_index) IN (($1::bigint, $2::bigint), ($2, $1))`,
          [one, two],
        )),
    };
  }
  yield {
    name: 'a block twice',
    between: [one, one + 65_536],
    run: async (transaction) =>
      void (await transaction.query(
        `INSERT INTO audit_block SELECT first_index, entry_count, taken_at + interval '1 second', worker, boot, first_sequence,
           previous_mac, leaf_hashes, sealed_lines FROM audit_block WHERE first_index = $1`,
        [one],
      )),
  };
}
