import { Checkbox } from '@mantine/core';
import { useSearchParams } from 'react-router';
import { useAct } from '../../api/use-act.ts';
import { useMay } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type ApiKeyRowFragment, ApiKeysDocument, RevokeApiKeyDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { rolesText } from '../users/roles.ts';

const columns: readonly Column<ApiKeyRowFragment>[] = [
  {
    head: 'Name',
    cell: ({ name, prefix, isHeld }) => (
      <>
        <strong>{name}</strong> <code className="dim">{prefix}…</code>{' '}
        {isHeld && <span className="tag warn">held</span>}
      </>
    ),
  },
  { head: 'Owner', cell: ({ owner }) => owner ?? <span className="dim">the gateway’s machine</span> },
  {
    head: 'May do',
    cell: ({ roles, actions }) => (
      <>
        {roles === null ? 'what its owner may' : rolesText(roles)}
        {actions !== null && <div className="dim mono">{actions.join(', ')}</div>}
      </>
    ),
  },
  {
    head: 'Where',
    cell: ({ environments }) => environments?.join(', ') ?? <span className="dim">everywhere</span>,
  },
  {
    head: 'Expires',
    cell: ({ expiresAt }) =>
      expiresAt === null ? <span className="tag warn">never</span> : <TimeText at={expiresAt} />,
  },
  {
    head: 'Last used',
    cell: ({ usedAt }) => (usedAt === null ? <span className="dim">never</span> : <TimeText at={usedAt} />),
  },
];

/** Keys for programs: the caller's own, or everybody's. */
export function ApiKeyListScreen() {
  const [parameters, setParameters] = useSearchParams();
  const all = parameters.get('all') === 'yes';
  const list = useNamedList(ApiKeysDocument, ({ apiKeys }) => apiKeys, { all });
  const revoke = useAct(RevokeApiKeyDocument, list.reread);
  const canSeeAll = useMay()('api-key:read');
  const act: Column<ApiKeyRowFragment> = {
    head: <span className="dim">What to do</span>,
    cell: ({ name, revision }) => (
      <Confirm label="Revoke" title={`Revoke ${name}?`} act={revoke({ name, ifRevision: revision })} isDangerous>
        Programs that use it are refused from their next call on. It cannot be brought back.
      </Confirm>
    ),
  };
  return (
    <ListFrame
      title="API keys"
      list={list}
      isSearchable={false}
      columns={[...columns, act]}
      rowKey={({ id }) => id}
      create={{ label: 'New API key', to: '/new/api-key' }}
      whenEmpty="An API key lets a program call the API, with no more rights than its owner has."
    >
      {canSeeAll && (
        <Checkbox
          size="xs"
          label="Everybody’s"
          checked={all}
          onChange={(event) => setParameters(event.currentTarget.checked ? { all: 'yes' } : {})}
        />
      )}
    </ListFrame>
  );
}
