import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { forgetHeights, heightsOf } from './row-heights.ts';

/** A column: what stands above it, and what it shows of a row. */
export interface Column<Row> {
  readonly head: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  /** `number`: to the right, in figures of one width; `mono`: names and patterns as they are typed. */
  readonly kind?: 'number' | 'mono' | 'target';
  /** On a narrow screen it is left out. What it says is shown elsewhere, or not needed there. */
  readonly isMinor?: boolean;
}

interface DataTableProps<Row> {
  readonly caption?: ReactNode;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string | number;
  /** One that stands out. */
  readonly isMarked?: (row: Row) => boolean;
  /** A click anywhere in the row. Something in it has to do the same by keyboard. */
  readonly open?: (row: Row) => void;
}

/** From so many rows on only those that are seen are in the page. */
const manyRows = 150;

/** Rows and columns. Of many rows those alone are in the page that are seen, and some around. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { caption, columns, rows } = props;
  const isLong = rows.length > manyRows;
  return (
    <table className="rows" aria-rowcount={isLong ? rows.length + 1 : undefined}>
      {caption !== undefined && <caption>{caption}</caption>}
      <thead>
        <tr>
          {columns.map(({ head, kind, isMinor }, index) => (
            <th
              key={index}
              scope="col"
              className={classNames(kind === 'number' && kind, isMinor === true && 'wide-only')}
            >
              {head}
            </th>
          ))}
        </tr>
      </thead>
      {isLong ? <SeenRows {...props} /> : <AllRows {...props} />}
    </table>
  );
}

function AllRows<Row>(props: DataTableProps<Row>) {
  return (
    <tbody>
      {props.rows.map((row) => (
        <TableRow key={props.rowKey(row)} row={row} of={props} />
      ))}
    </tbody>
  );
}

const likelyHeight = 36;
const rowsAround = 20;

function SeenRows<Row>(props: DataTableProps<Row>) {
  const { rows, rowKey, columns } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  // Whoever comes back to a list finds it as long as it was, and so the place where he was.
  const [heights] = useState(() => heightsOf(columns));
  useLayoutEffect(() => {
    const { top: edge = 0 } = body.current?.getBoundingClientRect() ?? {};
    setTop(edge + window.scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => likelyHeight,
    overscan: rowsAround,
    scrollMargin: top,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowKey(row);
    },
  });
  virtualizer.itemSizeCache = heights;
  useEffect(() => forgetHeights(virtualizer.itemSizeCache, rows, rowKey), [virtualizer, rows, rowKey]);
  const seen = virtualizer.getVirtualItems();
  const before = (seen[0]?.start ?? top) - top;
  const after = virtualizer.getTotalSize() - ((seen.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body}>
      <Gap height={before} columns={columns.length} />
      {seen.map(({ index, key }) => {
        const row = rows[index];
        return (
          row !== undefined && (
            <TableRow key={String(key)} row={row} of={props} index={index} measure={virtualizer.measureElement} />
          )
        );
      })}
      <Gap height={after} columns={columns.length} />
    </tbody>
  );
}

/** Stands for the rows that are not in the page. */
function Gap({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" className="gap">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

interface TableRowProps<Row> {
  readonly row: Row;
  readonly of: DataTableProps<Row>;
  readonly index?: number;
  readonly measure?: (element: HTMLTableRowElement | null) => void;
}

function TableRow<Row>({ row, of: { columns, isMarked, open }, index, measure }: TableRowProps<Row>) {
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-rowindex={index === undefined ? undefined : index + 2}
      className={classNames(isMarked?.(row) === true && 'decides', open !== undefined && 'clickable')}
      onClick={open === undefined ? undefined : () => open(row)}
    >
      {columns.map(({ cell, kind, isMinor }, place) => (
        <td key={place} className={classNames(kind, isMinor === true && 'wide-only')}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}

function classNames(...names: readonly (string | false | undefined)[]): string | undefined {
  return names.filter(Boolean).join(' ') || undefined;
}
