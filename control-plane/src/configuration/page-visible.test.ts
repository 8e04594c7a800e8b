import { describe, expect, it } from 'vitest';
import type { PageRequest } from './page.ts';
import { pageVisible } from './page-visible.ts';

const rows = Array.from({ length: 500 }, (_, i) => ({ name: `n${String(i).padStart(3, '0')}`, isMine: i % 7 === 0 }));
const fetch = ({ after, limit = 50 }: PageRequest) => {
  const rest = rows.filter(({ name }) => after === undefined || name > after);
  const items = rest.slice(0, limit);
  return Promise.resolve({ items, next: rest.length > limit ? items.at(-1)?.name : undefined });
};

describe('pageVisible', () => {
  it('gives every visible row once over its pages, each full but the last, and names no hidden one in a cursor', async () => {
    const mine = rows.filter(({ isMine }) => isMine);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await pageVisible(fetch, ({ isMine }) => isMine, { after, limit: 10 });
      if (page.next !== undefined) expect(page.items).toHaveLength(10);
      seen.push(...page.items.map(({ name }) => name));
      after = page.next;
      expect(after === undefined || mine.some(({ name }) => name === after)).toBe(true);
    } while (after !== undefined);
    expect(seen).toEqual(mine.map(({ name }) => name));
  });

  it('is empty where nothing is visible', async () => {
    expect(await pageVisible(fetch, () => false, {})).toEqual({ items: [], next: undefined });
  });
});
