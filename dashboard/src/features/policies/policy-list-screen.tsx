import { useQuery } from '@apollo/client/react';
import { Link } from 'react-router';
import { type PolicyRowFragment, PoliciesDocument } from '../../gql/graphql.ts';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { useListAddress } from '../../ui/use-list-address.ts';

const pageSize = 50;

/** The policies: for whom each is, and what it opens. */
export function PolicyListScreen() {
  const address = useListAddress();
  const filter = address.prefix === '' ? null : { namePrefix: address.prefix };
  const variables = { first: pageSize, after: address.after, filter };
  const { data, previousData, error } = useQuery(PoliciesDocument, { variables });
  const page = (data ?? previousData)?.policies;
  return (
    <ListFrame
      title="Policies"
      address={address}
      create={{ label: 'New policy', to: '/new/policy' }}
      error={error}
      count={page?.nodes.length}
      next={page?.pageInfo.hasNextPage === true ? page.pageInfo.endCursor : null}
      whenEmpty={
        <>
          Every request is denied. Make one here, or: <code>npx onecli policy allow my-agent api.openai.com</code>
        </>
      }
    >
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Agents</th>
            <th scope="col">Allows</th>
            <th scope="col">Denies</th>
            <th scope="col">Secrets</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {page?.nodes.map((policy) => (
            <PolicyLine key={policy.id} policy={policy} />
          ))}
        </tbody>
      </table>
    </ListFrame>
  );
}

function PolicyLine({ policy }: { readonly policy: PolicyRowFragment }) {
  const { name, mode, agents, rules, updatedAt } = policy;
  const unique = (texts: readonly string[]) => [...new Set(texts)].join(', ');
  return (
    <tr>
      <td>
        <Link to={`/policies/${encodeURIComponent(name)}`}>{name}</Link>
        {mode === 'MONITOR' && <span className="tag warn">Monitor</span>}
      </td>
      <td>{agents.map(selectorText).join(', ')}</td>
      <td className="mono">{unique(rules.flatMap(({ allow }) => allow?.hosts ?? []))}</td>
      <td className="mono">{unique(rules.flatMap(({ deny }) => deny?.hosts ?? []))}</td>
      <td className="mono">{unique(rules.flatMap(({ allow }) => allow?.secrets ?? []))}</td>
      <td>
        <TimeText at={updatedAt} />
      </td>
    </tr>
  );
}

function selectorText({ name, labels }: PolicyRowFragment['agents'][number]): string {
  return labels === null ? (name ?? '') : labels.map(({ key, value }) => `${key}=${value}`).join(' and ');
}
