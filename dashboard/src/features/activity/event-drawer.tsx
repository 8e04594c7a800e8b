import { useQuery } from '@apollo/client/react';
import { Anchor, Drawer } from '@mantine/core';
import { Link } from 'react-router';
import { Loading } from '../../ui/loading.tsx';
import { type ExplainEventQuery, ExplainEventDocument } from '../../gql/graphql.ts';
import { DecisionTag } from '../../ui/decision-tag.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { adviceOf } from '../findings/finding-advice.ts';
import { AllowThis } from './allow-this.tsx';
import type { PlacedEvent } from './event-list.ts';
import { targetOf } from './event-table.tsx';
import { RuleTraceTable } from './rule-trace-table.tsx';

interface EventDrawerProps {
  readonly event: PlacedEvent | undefined;
  readonly close: () => void;
}

/** One request: what it was, and why it was decided so. */
export function EventDrawer({ event, close }: EventDrawerProps) {
  return (
    <Drawer
      opened={event !== undefined}
      onClose={close}
      position="right"
      size="lg"
      title={event === undefined ? '' : `${event.node.method} ${targetOf(event)}`}
      attributes={{ header: { role: 'presentation' } }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {event !== undefined && <EventDetail event={event} />}
    </Drawer>
  );
}

function EventDetail({ event }: { readonly event: PlacedEvent }) {
  const { node } = event;
  return (
    <div className="detail">
      <p className="decided">
        <DecisionTag decision={node.decision} /> <code>{node.reason}</code>
      </p>
      <Facts
        facts={[
          ['Time', <TimeText key="time" at={node.time} />],
          ['Agent', node.agent ?? 'unknown'],
          ['Rule', node.rule === null ? 'none' : <RuleLink key="rule" rule={node.rule} />],
          ['Secrets', node.secrets.length === 0 ? 'none' : node.secrets.join(', ')],
          ['Status', node.status === 0 ? 'ended before an answer' : String(node.status)],
          ['Time taken', `${node.latencyMs.toFixed(1)} ms`],
          ['Sent, received', `${node.requestBytes} B, ${node.responseBytes} B`],
          ['Findings', node.findings.map(({ kind, place }) => `${kind} in ${place}`).join('; ') || 'none'],
          ['Request id', node.requestId],
          ['Worker', `${node.worker}, revision ${node.revision}`],
        ]}
      />
      {node.decision === 'DENY' && node.reason === 'POLICY_DENIED' && <AllowThis event={event} />}
      {node.reason === 'APPROVAL_REQUIRED' && (
        <p className="note">
          The rule asks a person. What waits, and what was decided since, is in <Link to="/approvals">Approvals</Link>.
        </p>
      )}
      {node.findings.map(({ kind, place }) => (
        <p key={`${kind} ${place}`} className="note warn">
          <strong>{adviceOf(kind).title}</strong> ({place}). {adviceOf(kind).text}
        </p>
      ))}
      <TryAgain event={event} />
      <h2>Why</h2>
      <Explanation cursor={event.cursor} />
    </div>
  );
}

/** Leads to the simulator, filled in with the request. */
function TryAgain({ event: { node } }: { readonly event: PlacedEvent }) {
  if (node.agent === null || node.path === null || node.method === 'CONNECT') return null;
  // The record does not say whether it came without TLS; at port 80 it did.
  const place = node.port === 80 ? `http://${node.host}` : `https://${node.host}:${node.port}`;
  const url = `${place.replace(/:443$/, '')}${node.path}`;
  return (
    <Anchor
      component={Link}
      to={`/simulator?${new URLSearchParams({ agent: node.agent, method: node.method, url })}`}
      inherit
    >
      Try it in the simulator
    </Anchor>
  );
}

function Explanation({ cursor }: { readonly cursor: string }) {
  const { data, error } = useQuery(ExplainEventDocument, { variables: { cursor }, fetchPolicy: 'no-cache' });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  if (data === undefined) return <Loading size="xs" />;
  return <Explained explanation={data.explain} />;
}

function Explained({ explanation }: { readonly explanation: ExplainEventQuery['explain'] }) {
  const { now, problem, hasChanged } = explanation;
  if (now === null) return <p>{problem}</p>;
  return (
    <>
      <p>
        By the configuration of now (revision {now.revision}
        {hasChanged ? ', changed since' : ', unchanged since'}): <DecisionTag decision={now.decision} />{' '}
        <code>{now.reason}</code>
      </p>
      {now.trace.length === 0 ? (
        <p>No policy selects this agent, and silence means deny.</p>
      ) : (
        <RuleTraceTable trace={now.trace} />
      )}
    </>
  );
}
