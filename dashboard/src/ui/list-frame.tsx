import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { EmptyState } from './empty-state.tsx';
import { Problem, problemText } from './problem.tsx';
import { SearchText } from './search-text.tsx';
import type { ListAddress } from './use-list-address.ts';

interface ListFrameProps {
  readonly title: string;
  readonly address: ListAddress;
  readonly create: { readonly label: string; readonly to: string };
  readonly error: unknown;
  /** Undefined while it is read. */
  readonly count: number | undefined;
  /** The cursor of the next page, if there is one. */
  readonly next: string | null;
  /** What to do when there is nothing at all. */
  readonly whenEmpty: ReactNode;
  readonly children: ReactNode;
}

/** A list of named things: its search, its pages, and how to make another. */
export function ListFrame(props: ListFrameProps) {
  const { title, address, create, error, count, next, whenEmpty, children } = props;
  const { prefix, after, search, goTo } = address;
  return (
    <>
      <div className="head">
        <h1>{title}</h1>
        <search className="filters">
          <SearchText label="Name begins with" value={prefix} change={search} />
        </search>
        <Button component={Link} to={create.to} size="xs">
          {create.label}
        </Button>
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {count === 0 && prefix === '' && <EmptyState title={`No ${title.toLowerCase()} yet`}>{whenEmpty}</EmptyState>}
      {count === 0 && prefix !== '' && <EmptyState title="Nothing begins with that">Search for less.</EmptyState>}
      {count !== undefined && count > 0 && <div className="panel table">{children}</div>}
      {(after !== null || next !== null) && (
        <nav className="actions pages" aria-label="Pages">
          <Button variant="default" size="xs" disabled={after === null} onClick={() => goTo(null)}>
            First page
          </Button>
          <Button variant="default" size="xs" disabled={next === null} onClick={() => goTo(next)}>
            Next page
          </Button>
        </nav>
      )}
    </>
  );
}
