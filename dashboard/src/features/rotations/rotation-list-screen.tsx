import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type RotationRowFragment, RotationsDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';

const columns: readonly Column<RotationRowFragment>[] = [
  { head: 'Secret', cell: ({ secret }) => <Link to={`/rotations/${encodeURIComponent(secret)}`}>{secret}</Link> },
  {
    head: 'Schedule',
    cell: ({ schedule, zone }) =>
      schedule === null ? <span className="dim">only when asked</span> : `${schedule} ${zone}`,
    kind: 'mono',
  },
  {
    head: 'Next run',
    cell: ({ nextRunAt }) => (nextRunAt === null ? <span className="dim">none</span> : <TimeText at={nextRunAt} />),
  },
  {
    head: 'State',
    cell: ({ isEnabled }) =>
      isEnabled ? <span className="tag allow">Enabled</span> : <span className="tag deny">Disabled</span>,
  },
];

/** The secrets that are rotated, and when. */
export function RotationListScreen() {
  const list = useNamedList(RotationsDocument, ({ rotations }) => rotations);
  return (
    <ListFrame
      title="Rotations"
      list={list}
      isSearchable={false}
      columns={columns}
      rowKey={({ secret }) => secret}
      create={{ label: 'New rotation', to: '/new/rotation', refused: useRefusal('rotation:update') }}
      whenEmpty={
        <>
          A rotation gives a secret its next value by itself. Set one up here, or:{' '}
          <code>npx onecli rotation put prod/provider -f recipe.json</code>
        </>
      }
    />
  );
}
