import type { ReactNode } from 'react';

/** A column: what stands above it, and what it shows of a row. */
export interface Column<Row> {
  readonly head: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  /** `number`: to the right, in figures of one width; `mono`: names and patterns as they are typed. */
  readonly kind?: 'number' | 'mono' | 'target';
}

interface DataTableProps<Row> {
  readonly caption?: ReactNode;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string | number;
  /** One that stands out. */
  readonly isMarked?: (row: Row) => boolean;
}

/** Rows and columns. */
export function DataTable<Row>({ caption, columns, rows, rowKey, isMarked }: DataTableProps<Row>) {
  return (
    <table className="rows">
      {caption !== undefined && <caption>{caption}</caption>}
      <thead>
        <tr>
          {columns.map(({ head, kind }, index) => (
            <th key={index} scope="col" className={kind === 'number' ? kind : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)} className={isMarked?.(row) === true ? 'decides' : undefined}>
            {columns.map(({ cell, kind }, index) => (
              <td key={index} className={kind}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
