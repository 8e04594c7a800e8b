import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type UserRowFragment, UsersDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { rolesText } from './roles.ts';

const columns: readonly Column<UserRowFragment>[] = [
  { head: 'Name', cell: ({ name }) => <Link to={`/users/${encodeURIComponent(name)}`}>{name}</Link> },
  { head: 'Roles', cell: ({ roles }) => rolesText(roles) },
  { head: 'State', cell: (user) => <UserStateTag user={user} /> },
  {
    head: 'Last signed in',
    cell: ({ signedInAt }) => (signedInAt === null ? <span className="dim">never</span> : <TimeText at={signedInAt} />),
  },
];

/** Who may sign in, and as what. */
export function UserListScreen() {
  const list = useNamedList(UsersDocument, ({ users }) => users);
  return (
    <ListFrame
      title="Users"
      list={list}
      isSearchable={false}
      columns={columns}
      rowKey={({ id }) => id}
      create={{ label: 'Invite a user', to: '/new/user', refused: useRefusal('user:create') }}
      whenEmpty="Invite the people who are to look after agents and secrets with you."
    />
  );
}

export function UserStateTag({ user: { state, isHeld } }: { readonly user: UserRowFragment }) {
  return (
    <>
      {state === 'ACTIVE' && <span className="tag allow">Active</span>}
      {state === 'DISABLED' && <span className="tag deny">Disabled</span>}
      {state === 'INVITED' && <span className="tag warn">Invited</span>}
      {isHeld && <span className="tag warn">held</span>}
    </>
  );
}
