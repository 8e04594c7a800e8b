import { NativeSelect } from '@mantine/core';
import { findingKinds } from '@onecli/shared/domain/audit-event';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { DataTable, type Column } from '../../ui/data-table.tsx';
import { DecisionTag } from '../../ui/decision-tag.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { MoreRows } from '../../ui/more-rows.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { EventDrawer } from '../activity/event-drawer.tsx';
import type { PlacedEvent } from '../activity/event-list.ts';
import { targetOf } from '../activity/event-table.tsx';
import { LiveState } from '../activity/live-state.tsx';
import { useEvents } from '../activity/use-events.ts';
import { FilterChips, useActivityFilter } from '../activity/activity-filter.tsx';
import { adviceOf } from './finding-advice.ts';

/** What somebody should look at: what was refused for its placeholders, and what services sent back. */
export function FindingsScreen() {
  const [parameters, setParameters] = useSearchParams();
  const kind = parameters.get('kind') ?? '';
  const filter = useActivityFilter();
  const events = useEvents({ ...filter, hasFindings: true });
  const [opened, setOpened] = useState<PlacedEvent>();
  const shown = events.events.filter(({ node }) => kind === '' || node.findings.some((one) => one.kind === kind));
  const choose = (chosen: string) =>
    setParameters(
      (before) => {
        if (chosen === '') before.delete('kind');
        else before.set('kind', chosen);
        return before;
      },
      { replace: true },
    );
  return (
    <>
      <div className="head">
        <h1>Findings</h1>
        <NativeSelect
          size="xs"
          aria-label="Kind"
          value={kind}
          onChange={(event) => choose(event.currentTarget.value)}
          data={[
            { value: '', label: 'All kinds' },
            ...findingKinds.map((value) => ({ value, label: adviceOf(value).title })),
          ]}
        />
        <FilterChips names={['agent', 'host', 'decision', 'since', 'until', 'reason', 'failed']} />
        <LiveState events={events} />
      </div>
      {events.error !== undefined && <Problem>{problemText(events.error)}</Problem>}
      {kind !== '' && <p className="note advice">{adviceOf(kind).text}</p>}
      {shown.length > 0 && (
        <div className="panel table">
          <DataTable columns={columnsFor(setOpened)} rows={shown} rowKey={({ node }) => node.id} />
        </div>
      )}
      {shown.length === 0 && !events.isLoading && events.hasOlder && (
        <EmptyState title={`None among the newest ${events.events.length} findings`}>
          There are older ones that were not looked at yet.
        </EmptyState>
      )}
      {shown.length === 0 && !events.isLoading && !events.hasOlder && (
        <EmptyState title="Nothing to look at">
          Refused placeholders, and secrets that a service sent back, show here as they come. All requests are in{' '}
          <Link to="/activity">Activity</Link>.
        </EmptyState>
      )}
      {events.hasOlder && !events.isFull && (
        <MoreRows label="Older" read={events.readOlder} count={events.events.length} />
      )}
      <EventDrawer event={opened} close={() => setOpened(undefined)} />
    </>
  );
}

function columnsFor(open: (event: PlacedEvent) => void): readonly Column<PlacedEvent>[] {
  return [
    { head: 'Time', cell: ({ node }) => <TimeText at={node.time} /> },
    {
      head: 'What',
      cell: ({ node }) =>
        node.findings.map(({ kind, place }) => (
          <div key={`${kind} ${place}`}>
            {adviceOf(kind).title}, <span className="dim">in {place}</span>
          </div>
        )),
    },
    { head: 'Agent', cell: ({ node }) => node.agent ?? <span className="dim">unknown</span> },
    {
      head: 'Request',
      kind: 'target',
      cell: (event) => (
        <button type="button" className="plain" onClick={() => open(event)}>
          <span className="method">{event.node.method}</span> {targetOf(event)}
        </button>
      ),
    },
    { head: 'Decision', cell: ({ node }) => <DecisionTag decision={node.decision} /> },
  ];
}
