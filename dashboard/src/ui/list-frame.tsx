import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { type Column, DataTable } from './data-table.tsx';
import { EmptyState } from './empty-state.tsx';
import { GuardedButton } from './guarded-button.tsx';
import { MoreRows } from './more-rows.tsx';
import { Problem, problemText } from './problem.tsx';
import { SearchText } from './search-text.tsx';

interface ListFrameProps<Row> {
  readonly title: string;
  readonly list: {
    /** Undefined while they are read. */
    readonly rows: readonly Row[] | undefined;
    readonly error: unknown;
    readonly hasMore: boolean;
    readonly readMore: () => Promise<void>;
    readonly prefix: string;
    readonly search: (prefix: string) => void;
  };
  /** Whether the API finds them by the beginning of their names. */
  readonly isSearchable?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string | number;
  /** How another is made; `refused` says why the caller may not. */
  readonly create?: { readonly label: string; readonly to: string; readonly refused?: string | undefined };
  /** What to do when there is nothing at all. */
  readonly whenEmpty: ReactNode;
  /** More filters. */
  readonly children?: ReactNode;
}

/** A screen with a list of named things: its search, its rows, and how to make another. */
export function ListFrame<Row>(props: ListFrameProps<Row>) {
  const { title, list, isSearchable = true, columns, rowKey, create, whenEmpty, children } = props;
  const { rows, error, prefix } = list;
  return (
    <>
      <div className="head">
        <h1>{title}</h1>
        <search className="filters">
          {isSearchable && <SearchText label="Name begins with" value={prefix} change={list.search} />}
          {children}
        </search>
        {create !== undefined && (
          <GuardedButton refused={create.refused} size="xs" component={Link} to={create.to}>
            {create.label}
          </GuardedButton>
        )}
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {rows?.length === 0 && prefix === '' && (
        <EmptyState title={`No ${title.toLowerCase()} yet`}>{whenEmpty}</EmptyState>
      )}
      {rows?.length === 0 && prefix !== '' && (
        <EmptyState title="Nothing begins with that">Search for less.</EmptyState>
      )}
      {rows !== undefined && rows.length > 0 && (
        <div className="panel table">
          <DataTable columns={columns} rows={rows} rowKey={rowKey} />
        </div>
      )}
      {list.hasMore && <MoreRows label="More" read={list.readMore} count={rows?.length ?? 0} />}
    </>
  );
}
