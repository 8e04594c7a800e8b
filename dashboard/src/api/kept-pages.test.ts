import { describe, expect, it } from 'vitest';
import { type Page, keepPages, keptPages, readPages } from './kept-pages.ts';

const page = (name: string, hasNextPage = true): Page<string> => ({
  nodes: [name],
  pageInfo: { hasNextPage, endCursor: name },
});

describe('the pages of a list that were read', () => {
  it('are there for the same list at the same entry of the history', () => {
    keepPages('entry', { of: 'agents', pages: [page('a'), page('b')] });
    expect(keptPages('entry', 'agents')?.pages).toHaveLength(2);
    expect(keptPages('entry', 'secrets')).toBeUndefined();
    expect(keptPages('other', 'agents')).toBeUndefined();
  });

  it('are kept of few entries, and of each no more than a bounded number', () => {
    for (let entry = 0; entry < 8; entry++)
      keepPages(`${entry}`, { of: 'agents', pages: Array.from({ length: 80 }, (_, index) => page(`${index}`)) });
    const kept = Array.from({ length: 8 }, (_, entry) => keptPages(`${entry}`, 'agents')?.pages.length);
    expect(kept).toEqual([undefined, undefined, undefined, 50, 50, 50, 50, 50]);
  });

  it('are read anew one behind the other, as far as there are any', async () => {
    const asked: (string | null)[] = [];
    const list = new Map<string | null, Page<string>>([
      ['first', page('second')],
      ['second', page('third', false)],
    ]);
    const readBehind = (cursor: string | null) => {
      asked.push(cursor);
      return Promise.resolve(list.get(cursor));
    };
    expect(await readPages(5, page('first'), readBehind)).toEqual([page('second'), page('third', false)]);
    expect(await readPages(1, page('first'), readBehind)).toEqual([page('second')]);
    expect(asked).toEqual(['first', 'second', 'first']);
  });
});
