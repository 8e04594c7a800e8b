import { useQuery } from '@apollo/client/react';
import { selectorOf, selectorPicks } from '@onecli/shared/domain/agent-selector';
import { Link } from 'react-router';
import { type AgentRowFragment, type PolicyRowFragment, PoliciesDocument } from '../../gql/graphql.ts';
import { Problem, problemText } from '../../ui/problem.tsx';

const mostPolicies = 200;

/** What an agent may reach: the rules of the policies that select it. */
export function AgentReach({ agent }: { readonly agent: AgentRowFragment }) {
  const { data, error } = useQuery(PoliciesDocument, { variables: { first: mostPolicies } });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  const policies = data?.policies.nodes.filter((policy) => selects(policy, agent)) ?? [];
  return (
    <section className="panel table">
      <table className="rows">
        <caption>What it may reach</caption>
        <thead>
          <tr>
            <th scope="col">Policy</th>
            <th scope="col">Effect</th>
            <th scope="col">Hosts</th>
            <th scope="col">Paths and methods</th>
            <th scope="col">Secrets</th>
          </tr>
        </thead>
        <tbody>
          {policies.flatMap((policy) =>
            policy.rules.map((rule, index) => <RuleLine key={`${policy.name}/${index}`} policy={policy} rule={rule} />),
          )}
        </tbody>
      </table>
      {data !== undefined && policies.length === 0 && (
        <p className="nothing">Nothing: no policy selects it, and silence means deny.</p>
      )}
      {data?.policies.pageInfo.hasNextPage === true && (
        <p className="nothing">
          There are more than {mostPolicies} policies: those after {policies.at(-1)?.name} are not looked at here.
        </p>
      )}
    </section>
  );
}

function RuleLine({
  policy,
  rule,
}: {
  readonly policy: PolicyRowFragment;
  readonly rule: PolicyRowFragment['rules'][number];
}) {
  const { allow, deny } = rule;
  const part = allow ?? deny;
  return (
    <tr>
      <td>
        <Link to={`/policies/${encodeURIComponent(policy.name)}`}>{policy.name}</Link>
        {policy.mode === 'MONITOR' && <span className="tag warn">Monitor</span>}
      </td>
      <td>{allow === null ? <span className="tag deny">Deny</span> : <span className="tag allow">Allow</span>}</td>
      <td className="mono">{part?.hosts.join(', ')}</td>
      <td className="mono">
        {[part?.methods.join(' '), part?.paths.join(' ')].filter(Boolean).join(' ') || <span className="dim">all</span>}
      </td>
      <td className="mono">{allow?.secrets.join(', ')}</td>
    </tr>
  );
}

/** Whether a policy is for an agent, by the very function that decides it. */
function selects(policy: PolicyRowFragment, { name, labels }: AgentRowFragment): boolean {
  const own = Object.fromEntries(labels.map(({ key, value }) => [key, value]));
  return policy.agents.some((given) => {
    const picking =
      given.labels === null
        ? selectorOf(given.name ?? '')
        : {
            kind: 'labels' as const,
            labels: Object.fromEntries(given.labels.map(({ key, value }) => [key, value])),
          };
    return selectorPicks(picking, { name, labels: own });
  });
}
