import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type PolicyRowFragment, PoliciesDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { AgoText } from '../../ui/ago-text.tsx';

const columns: readonly Column<PolicyRowFragment>[] = [
  {
    head: 'Name',
    cell: ({ name, mode, rules }) => (
      <>
        <Link to={`/policies/${encodeURIComponent(name)}`}>{name}</Link>
        {mode === 'MONITOR' && <span className="tag warn">Monitor</span>}
        {rules.some(({ allow }) => allow?.approval === true) && <span className="tag warn">Asks a person</span>}
      </>
    ),
  },
  { head: 'Agents', cell: ({ agents }) => agents.map(selectorText).join(', ') },
  { head: 'Allows', cell: ({ rules }) => unique(rules.flatMap(({ allow }) => allow?.hosts ?? [])), kind: 'mono' },
  {
    head: 'Denies',
    isMinor: true,
    cell: ({ rules }) => unique(rules.flatMap(({ deny }) => deny?.hosts ?? [])),
    kind: 'mono',
  },
  {
    head: 'Secrets',
    isMinor: true,
    cell: ({ rules }) => unique(rules.flatMap(({ allow }) => allow?.secrets ?? [])),
    kind: 'mono',
  },
  { head: 'Changed', isMinor: true, cell: ({ updatedAt }) => <AgoText at={updatedAt} /> },
];

/** The policies: for whom each is, and what it opens. */
export function PolicyListScreen() {
  const list = useNamedList(PoliciesDocument, ({ policies }) => policies);
  return (
    <ListFrame
      title="Policies"
      list={list}
      columns={columns}
      rowKey={({ id }) => id}
      create={{ label: 'New policy', to: '/new/policy', refused: useRefusal('policy:create') }}
      whenEmpty={
        <>
          Every request is denied. Make one here, or: <code>npx onecli policy allow my-agent api.openai.com</code>
        </>
      }
    />
  );
}

function unique(texts: readonly string[]): string {
  return [...new Set(texts)].join(', ');
}

function selectorText({ name, labels }: PolicyRowFragment['agents'][number]): string {
  return labels === null ? (name ?? '') : labels.map(({ key, value }) => `${key}=${value}`).join(' and ');
}
