import { type Page, type PageRequest, defaultLimit, maxLimit } from './page.ts';

/**
 * One page of what `isVisible` lets through of a list that `fetch` gives page by page. Where it goes on names a visible row: what
 * is hidden is not told by a cursor either.
 */
export async function pageVisible<Row extends { readonly name: string }>(
  fetch: (request: PageRequest) => Promise<Page<Row>>,
  isVisible: (row: Row) => boolean,
  request: PageRequest,
): Promise<Page<Row>> {
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? defaultLimit), 1), maxLimit);
  const visible: Row[] = [];
  let { after } = request;
  do {
    const page = await fetch({ ...request, after, limit: maxLimit });
    visible.push(...page.items.filter(isVisible));
    after = page.next;
  } while (after !== undefined && visible.length <= limit);
  const items = visible.slice(0, limit);
  return { items, next: visible.length > limit ? items.at(-1)?.name : undefined };
}
