import { useQuery } from '@apollo/client/react';
import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import { type AgentReachQuery, AgentReachDocument } from '../../gql/graphql.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';

const mostRules = 100;

type Rule = AgentReachQuery['reach']['nodes'][number];

const columns: readonly Column<Rule>[] = [
  {
    head: 'Rule',
    cell: ({ rule, isMonitored }) => (
      <>
        <RuleLink rule={rule} />
        {isMonitored && <span className="tag warn">Monitor</span>}
      </>
    ),
  },
  {
    head: 'Effect',
    cell: ({ effect }) =>
      effect === 'DENY' ? <span className="tag deny">Deny</span> : <span className="tag allow">Allow</span>,
  },
  { head: 'Hosts', cell: ({ hosts }) => hosts.join(', '), kind: 'mono' },
  {
    head: 'Paths and methods',
    cell: ({ methods, paths }) => [...methods, ...paths].join(' ') || <span className="dim">all</span>,
    kind: 'mono',
  },
  { head: 'Secrets', cell: ({ secrets }) => secrets.join(', '), kind: 'mono' },
];

/** What an agent may reach: the rules of the policies that select it. */
export function AgentReach({ name }: { readonly name: string }) {
  const variables = { name, first: mostRules };
  const { data, error } = useQuery(AgentReachDocument, { variables, fetchPolicy: 'no-cache' });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  const rules = data?.reach.nodes ?? [];
  return (
    <section className="panel table">
      <DataTable caption="What it may reach" columns={columns} rows={rules} rowKey={({ rule }) => rule} />
      {data !== undefined && rules.length === 0 && (
        <p className="nothing">Nothing: no policy selects it, and silence means deny.</p>
      )}
      {data?.reach.pageInfo.hasNextPage === true && (
        <p className="nothing">
          These are the first {mostRules} rules.{' '}
          <Anchor component={Link} to="/policies">
            All policies
          </Anchor>
        </p>
      )}
    </section>
  );
}
