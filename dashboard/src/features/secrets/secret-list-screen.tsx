import { Link, useSearchParams } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type SecretRowFragment, SecretsDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { AgoText } from '../../ui/ago-text.tsx';

const columns: readonly Column<SecretRowFragment>[] = [
  {
    head: 'Name',
    cell: ({ name, description }) => (
      <>
        <Link to={`/secrets/${encodeURIComponent(name)}`}>{name}</Link>
        {description !== '' && <div className="dim">{description}</div>}
      </>
    ),
  },
  {
    head: 'Hosts',
    cell: ({ binding }) => binding?.hosts.join(', ') ?? <span className="dim">bound nowhere</span>,
    kind: 'mono',
  },
  { head: 'State', cell: (secret) => <SecretState secret={secret} /> },
  { head: 'Version', isMinor: true, cell: ({ version }) => version, kind: 'number' },
  {
    head: 'Last used',
    isMinor: true,
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? <span className="dim">never</span> : <AgoText at={lastUsedAt} />),
  },
];

/** The secrets: what they are for, and whether they are used. No value is ever here. */
export function SecretListScreen() {
  const [parameters] = useSearchParams();
  const days = Number.parseInt(parameters.get('expiring') ?? '', 10);
  const expiringWithinDays = days > 0 ? days : null;
  const list = useNamedList(SecretsDocument, ({ secrets }) => secrets, { expiringWithinDays });
  return (
    <ListFrame
      title={expiringWithinDays === null ? 'Secrets' : `Secrets that expire within ${expiringWithinDays} days`}
      list={list}
      columns={columns}
      rowKey={({ id }) => id}
      create={{ label: 'New secret', to: '/new/secret', refused: useRefusal('secret:create') }}
      whenEmpty={
        <>
          Make one here, or: <code>npx onecli secret put prod/openai --host api.openai.com</code>
        </>
      }
    />
  );
}

/** Whether a secret can be used at all. */
export function SecretState({ secret }: { readonly secret: SecretRowFragment }) {
  if (secret.isDisabled) return <span className="tag deny">Disabled</span>;
  if (secret.expiresAt !== null && new Date(secret.expiresAt) <= new Date())
    return <span className="tag deny">Expired</span>;
  if (secret.binding === null) return <span className="tag warn">Unbound</span>;
  return <span className="tag allow">Ready</span>;
}
