import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type RouteRowFragment, RoutesDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { injectionText } from './route-fields.ts';

const columns: readonly Column<RouteRowFragment>[] = [
  { head: 'Name', cell: ({ name }) => <Link to={`/routes/${encodeURIComponent(name)}`}>{name}</Link> },
  { head: 'Hosts', cell: ({ hosts }) => hosts.join(', '), kind: 'mono' },
  {
    head: 'Paths and methods',
    cell: ({ methods, paths }) => [...methods, ...paths].join(' ') || <span className="dim">all</span>,
    kind: 'mono',
  },
  { head: 'Secret', cell: ({ secret }) => secret, kind: 'mono' },
  { head: 'What it does', cell: ({ inject }) => inject.map(injectionText).join(', '), kind: 'mono' },
  { head: 'State', cell: (route) => <RouteState route={route} /> },
];

/** The routes: which requests get which secret. */
export function RouteListScreen() {
  const list = useNamedList(RoutesDocument, ({ routes }) => routes);
  return (
    <ListFrame
      title="Routes"
      list={list}
      columns={columns}
      rowKey={({ id }) => id}
      create={{ label: 'New route', to: '/new/route', refused: useRefusal('route:create') }}
      whenEmpty={
        <>
          A route puts a secret into requests although the agent sends no placeholder. Make one for tools that cannot
          send <code>onecli://prod/name</code>.
        </>
      }
    />
  );
}

function RouteState({ route: { problem } }: { readonly route: RouteRowFragment }) {
  if (problem === null) return <span className="tag allow">Acts</span>;
  return (
    <span className="tag deny" title={problem}>
      Does nothing
    </span>
  );
}
