import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useNamedList } from '../../api/use-named-list.ts';
import { type AgentRowFragment, AgentsDocument } from '../../gql/graphql.ts';
import type { Column } from '../../ui/data-table.tsx';
import { ListFrame } from '../../ui/list-frame.tsx';
import { AgoText } from '../../ui/ago-text.tsx';

const columns: readonly Column<AgentRowFragment>[] = [
  { head: 'Name', cell: ({ name }) => <Link to={`/agents/${encodeURIComponent(name)}`}>{name}</Link> },
  { head: 'State', cell: (agent) => <AgentState agent={agent} /> },
  {
    head: 'Identities',
    cell: ({ identities }) => identities.map(identityText).join('; ') || <span className="dim">none</span>,
  },
  { head: 'Labels', isMinor: true, cell: labelsText, kind: 'mono' },
  { head: 'Changed', isMinor: true, cell: ({ updatedAt }) => <AgoText at={updatedAt} /> },
];

/** The agents, and how each is recognised. */
export function AgentListScreen() {
  const list = useNamedList(AgentsDocument, ({ agents }) => agents);
  return (
    <ListFrame
      title="Agents"
      list={list}
      columns={columns}
      rowKey={({ id }) => id}
      create={{ label: 'New agent', to: '/new/agent', refused: useRefusal('agent:create') }}
      whenEmpty={
        <>
          Make one here, or: <code>npx onecli agent create my-agent</code>
        </>
      }
    />
  );
}

export function AgentState({ agent }: { readonly agent: AgentRowFragment }) {
  return agent.isDisabled ? <span className="tag deny">Disabled</span> : <span className="tag allow">Enabled</span>;
}

/** How an agent is recognised, in a few words. */
export function identityText({ token, mtls, jwt, header, source }: AgentRowFragment['identities'][number]): string {
  if (mtls !== null) return `certificate ${mtls.commonName ?? mtls.dnsName ?? mtls.uri ?? ''}`;
  if (jwt !== null) return `JWT of ${jwt.issuer}`;
  if (header !== null) return `header ${header.name}: ${header.value}`;
  if (source !== null) return `address ${source.cidrs.join(', ')}`;
  return token?.cidrs == null ? 'token' : `token from ${token.cidrs.join(', ')}`;
}

export function labelsText({ labels }: AgentRowFragment): string {
  return labels.map(({ key, value }) => `${key}=${value}`).join(', ');
}
