import { useQuery } from '@apollo/client/react';
import { Link } from 'react-router';
import { type AgentRowFragment, AgentsDocument } from '../../gql/graphql.ts';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { useListAddress } from '../../ui/use-list-address.ts';

const pageSize = 50;

/** The agents, and how each is recognised. */
export function AgentListScreen() {
  const address = useListAddress();
  const filter = address.prefix === '' ? null : { namePrefix: address.prefix };
  const variables = { first: pageSize, after: address.after, filter };
  const { data, previousData, error } = useQuery(AgentsDocument, { variables });
  const page = (data ?? previousData)?.agents;
  return (
    <ListFrame
      title="Agents"
      address={address}
      create={{ label: 'New agent', to: '/new/agent' }}
      error={error}
      count={page?.nodes.length}
      next={page?.pageInfo.hasNextPage === true ? page.pageInfo.endCursor : null}
      whenEmpty={
        <>
          Make one here, or: <code>npx onecli agent create my-agent</code>
        </>
      }
    >
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Identities</th>
            <th scope="col">Labels</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {page?.nodes.map((agent) => (
            <tr key={agent.id}>
              <td>
                <Link to={`/agents/${encodeURIComponent(agent.name)}`}>{agent.name}</Link>
              </td>
              <td>
                <AgentState agent={agent} />
              </td>
              <td>{agent.identities.map(identityText).join('; ') || <span className="dim">none</span>}</td>
              <td className="mono">{labelsText(agent)}</td>
              <td>
                <TimeText at={agent.updatedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ListFrame>
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
