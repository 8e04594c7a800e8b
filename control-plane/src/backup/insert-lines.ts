import type { EntityManager } from 'typeorm';
import { isLeftOut, quoted } from './backup-tables.ts';
import { RestoreFault } from './restore-fault.ts';

const rowsAtOnce = 500;
const bytesAtOnce = 4 * 2 ** 20;

/**
 * Writes the lines of a backup into their tables: `["table"]`, then its rows as JSON. Columns that the backup does not know get
 * their defaults.
 * @returns how many rows
 * @throws RestoreFault for a table or column that is not here
 */
export async function insertLines(
  manager: EntityManager,
  content: AsyncIterable<Buffer>,
  tables: ReadonlySet<string>,
): Promise<number> {
  const columns = await readColumns(manager);
  let table = '';
  let count = 0;
  let rows: string[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await insertRows(manager, table, columns.get(table) ?? new Set(), rows);
    count += rows.length;
    rows = [];
    bytes = 0;
  };
  for await (const line of linesOf(content)) {
    if (line.startsWith('[')) {
      await flush();
      table = String((JSON.parse(line) as unknown[])[0]);
      if (!tables.has(table) && !isLeftOut(table))
        throw new RestoreFault(`The backup has a table that is not known here: ${table}`);
      continue;
    }
    if (!tables.has(table)) continue;
    rows.push(line);
    bytes += line.length;
    if (rows.length >= rowsAtOnce || bytes >= bytesAtOnce) await flush();
  }
  await flush();
  return count;
}

async function insertRows(
  manager: EntityManager,
  table: string,
  known: ReadonlySet<string>,
  rows: readonly string[],
): Promise<void> {
  const names = Object.keys(JSON.parse(rows[0] ?? '{}') as object);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new RestoreFault(`The backup has columns that are not known here: ${table}.${unknown.join(', ')}`);
  const list = names.map(quoted).join(', ');
  await manager.query(
    `INSERT INTO ${quoted(table)} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${quoted(table)}, $1::json)`,
    [`[${rows.join(',')}]`],
  );
}

/** The columns that can be written, by table. */
async function readColumns(manager: EntityManager): Promise<Map<string, Set<string>>> {
  const rows = await manager.query<{ table_name: string; column_name: string }[]>(
    `SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND is_generated = 'NEVER'`,
  );
  const columns = new Map<string, Set<string>>();
  for (const { table_name, column_name } of rows)
    columns.set(table_name, (columns.get(table_name) ?? new Set()).add(column_name));
  return columns;
}

async function* linesOf(content: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending = Buffer.alloc(0);
  for await (const piece of content) {
    pending = Buffer.concat([pending, piece]);
    for (let end = pending.indexOf(10); end !== -1; end = pending.indexOf(10)) {
      yield pending.subarray(0, end).toString('utf8');
      pending = pending.subarray(end + 1);
    }
  }
  if (pending.length > 0) throw new RestoreFault('The backup ends in the middle of a row.');
}
