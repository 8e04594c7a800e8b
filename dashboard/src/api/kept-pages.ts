/** A page of a connection of the API. */
export interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** The pages of a list behind its first. `of` says which list, and of which search. */
export interface MorePages<Row> {
  readonly of: string;
  readonly pages: readonly Page<Row>[];
}

/** Of so many entries of the history, the last that were read, the pages are kept. */
const mostEntries = 5;
/** Of a list that was read further than this, the first so many. */
const mostPages = 50;

const byEntry = new Map<string, MorePages<unknown>>();

/** Keeps what was read of a list, for whoever comes back to an entry of the history. It is forgotten with the page. */
export function keepPages<Row>(entry: string, { of, pages }: MorePages<Row>): void {
  byEntry.delete(entry);
  byEntry.set(entry, { of, pages: pages.slice(0, mostPages) });
  for (const oldest of byEntry.keys()) {
    if (byEntry.size <= mostEntries) break;
    byEntry.delete(oldest);
  }
}

/** What was kept of a list at an entry of the history. */
export function keptPages<Row>(entry: string, of: string): MorePages<Row> | undefined {
  const kept = byEntry.get(entry);
  // The same text was kept by the same list.
  return kept?.of === of ? (kept as MorePages<Row>) : undefined;
}

/** Reads as many pages anew, each behind the one before; fewer, where the list has got shorter. */
export async function readPages<Row>(
  count: number,
  first: Page<Row>,
  readBehind: (cursor: string | null) => Promise<Page<Row> | undefined>,
): Promise<readonly Page<Row>[]> {
  const pages: Page<Row>[] = [];
  let last = first;
  while (pages.length < count && last.pageInfo.hasNextPage) {
    const page = await readBehind(last.pageInfo.endCursor);
    if (page === undefined) break;
    pages.push(page);
    last = page;
  }
  return pages;
}
