import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { SecretQuery } from '../../gql/graphql.ts';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';

type SecretDependents = SecretQuery['secretDependents'];

/** Who would feel it if a secret were gone. */
export function Dependents({ dependents }: { readonly dependents: SecretDependents }) {
  const { agentCount, agents, policies, routes, lastUsedAt } = dependents;
  const { hiddenAgentCount, hiddenPolicyCount, hiddenRouteCount } = dependents;
  return (
    <section className="panel">
      <h2>Who depends on it</h2>
      <Facts
        facts={[
          ['Agents', <Names key="agents" names={agents} of={agentCount} hidden={hiddenAgentCount} place="agents" />],
          ['Policies', <Names key="policies" names={policies} hidden={hiddenPolicyCount} place="policies" />],
          ['Routes', <Names key="routes" names={routes} hidden={hiddenRouteCount} place="routes" />],
          ['Last used', lastUsedAt === null ? 'never' : <TimeText key="used" at={lastUsedAt} />],
        ]}
      />
    </section>
  );
}

const mostShown = 20;

interface NamesProps {
  readonly names: readonly string[];
  readonly place: string;
  readonly of?: number;
  /** How many there are beside them, which the user may not read. */
  readonly hidden: number;
}

function Names({ names, place, of = names.length, hidden }: NamesProps): ReactNode {
  if (names.length + hidden === 0) return 'none';
  const shown = names.slice(0, mostShown);
  return (
    <ul className="names">
      {shown.map((name) => (
        <li key={name}>
          <Link to={`/${place}/${encodeURIComponent(name)}`}>{name}</Link>
        </li>
      ))}
      {of > shown.length && <li className="dim">and {of - shown.length} more</li>}
      {hidden > 0 && <li className="dim">{hidden} that you may not see</li>}
    </ul>
  );
}
