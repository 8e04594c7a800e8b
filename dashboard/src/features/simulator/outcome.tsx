import { Button } from '@mantine/core';
import { Link } from 'react-router';
import type { SimulateQuery } from '../../gql/graphql.ts';
import { DecisionTag } from '../../ui/decision-tag.tsx';
import { Facts } from '../../ui/facts.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import { RuleTraceTable } from '../activity/rule-trace-table.tsx';
import type { Asked } from './simulator-form.tsx';

type Simulation = SimulateQuery['simulate'];

const headerTexts = {
  REPLACED: 'replaced',
  PLACEHOLDER_NOT_BOUND: 'refused: its secret is not bound there',
  PLACEHOLDER_NOT_GRANTED: 'refused: no rule grants it there',
} as const;

/** What was decided, by what, and what would stand in the headers. */
export function Outcome({ asked, simulation }: { readonly asked: Asked; readonly simulation: Simulation }) {
  const { decision, reason, rule, granted, headers, revision, trace } = simulation;
  return (
    <>
      <section className="panel">
        <h2>
          <DecisionTag decision={decision} /> <code>{reason}</code>
        </h2>
        <Facts
          facts={[
            ['Decided by', rule === null ? 'no rule: silence means deny' : <RuleLink key="rule" rule={rule} />],
            ['Secrets granted', granted.length === 0 ? 'none' : granted.join(', ')],
            ...headers.map(
              ({ header, outcome, secrets }) =>
                [`Header ${header}`, [headerTexts[outcome], ...secrets].join(' ')] as const,
            ),
            ['Revision', String(revision)],
          ]}
        />
        {reason === 'APPROVAL_REQUIRED' && (
          <p className="note settings-note">
            The rule asks a person, and nobody has approved this: the agent is refused, and what it asked for waits in{' '}
            <Link to="/approvals">Approvals</Link>.
          </p>
        )}
        {decision === 'DENY' && reason === 'POLICY_DENIED' && <Allow asked={asked} />}
      </section>
      <section className="panel table">
        {trace.length === 0 ? (
          <p className="nothing">No policy selects this agent, and silence means deny.</p>
        ) : (
          <RuleTraceTable trace={trace} />
        )}
      </section>
      <p className="lead">
        Who the agent proves to be, rate limits, the address behind the name and the body are not asked here.
      </p>
    </>
  );
}

function Allow({ asked }: { readonly asked: Asked }) {
  const url = URL.parse(asked.url);
  if (url === null) return null;
  const parameters = new URLSearchParams({ agent: asked.agent, host: url.hostname, method: asked.method });
  if (asked.method !== 'CONNECT') parameters.set('path', url.pathname);
  if (url.port !== '') parameters.set('port', url.port);
  return (
    <Button component={Link} to={`/new/rule?${parameters}`} size="xs" mt="sm">
      Allow this…
    </Button>
  );
}
