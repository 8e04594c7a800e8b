import { Link } from 'react-router';
import type { NamedNumbersFragment } from '../../gql/graphql.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { msText, shortNumber } from '../../ui/number-text.ts';

interface TopTableProps {
  readonly title: string;
  readonly by: 'agent' | 'host';
  /** Undefined while they are read. */
  readonly rows: readonly NamedNumbersFragment[] | undefined;
  readonly since: string;
}

/** Who had the most requests; each number leads to them. */
export function TopTable({ title, by, rows, since }: TopTableProps) {
  const most = Math.max(1, ...(rows ?? []).map(({ requests }) => requests));
  const linkTo = (name: string, more = '') => `/activity?${by}=${encodeURIComponent(name)}&since=${since}${more}`;
  const count = (name: string, value: number, more: string) =>
    value === 0 || name === '' ? (
      <span className="dim">{shortNumber(value)}</span>
    ) : (
      <Link to={linkTo(name, more)}>{shortNumber(value)}</Link>
    );
  const columns: readonly Column<NamedNumbersFragment>[] = [
    {
      head: by === 'agent' ? 'Agent' : 'Host',
      kind: 'target',
      cell: ({ name, requests }) => (
        <>
          {name === '' ? <span className="dim">no target named</span> : <Link to={linkTo(name)}>{name}</Link>}
          <span className="share" aria-hidden="true" style={{ width: `${(100 * requests) / most}%` }} />
        </>
      ),
    },
    { head: 'Requests', kind: 'number', cell: ({ name, requests }) => count(name, requests, '') },
    { head: 'Denied', kind: 'number', cell: ({ name, denials }) => count(name, denials, '&decision=DENY') },
    {
      head: 'Failed',
      kind: 'number',
      isMinor: true,
      cell: ({ name, failures }) => count(name, failures, '&failed=true'),
    },
    { head: 'P95', kind: 'number', isMinor: true, cell: ({ latencyP95 }) => msText(latencyP95) },
  ];
  return (
    <section className="panel table top-table">
      {rows?.length === 0 ? (
        <>
          <h2>{title}</h2>
          <p className="nothing">No request in this time.</p>
        </>
      ) : (
        <DataTable caption={title} columns={columns} rows={rows ?? []} rowKey={({ name }) => name} />
      )}
    </section>
  );
}
