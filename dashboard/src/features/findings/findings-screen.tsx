import { Button, NativeSelect } from '@mantine/core';
import { findingKinds } from '@onecli/shared/domain/audit-event';
import { useEffect, useState } from 'react';
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
import { type Events, useEvents } from '../activity/use-events.ts';
import { usePauseWhileReading } from '../activity/use-pause-while-reading.ts';
import { FilterChips, useActivityFilter } from '../activity/activity-filter.tsx';
import { adviceOf } from './finding-advice.ts';

/** What somebody should look at: what was refused for its placeholders, and what services sent back. */
export function FindingsScreen() {
  const [parameters, setParameters] = useSearchParams();
  const kind = parameters.get('kind') ?? '';
  const filter = useActivityFilter();
  const events = useEvents({ ...filter, hasFindings: true });
  const [opened, setOpened] = useState<PlacedEvent>();
  usePauseWhileReading(events);
  const shown = events.events.filter(({ node }) => kind === '' || node.findings.some((one) => one.kind === kind));
  const reading = useReadOn(events, kind, shown.length);
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
      <FoundNone events={events} reading={reading} count={shown.length} />
      {events.hasOlder && !events.isFull && !reading.isUnderWay && (
        <MoreRows label="Older" read={reading.readOn} count={events.events.length} />
      )}
      <EventDrawer event={opened} close={() => setOpened(undefined)} />
    </>
  );
}

interface FoundNoneProps {
  readonly events: Events;
  readonly reading: ReadingOn;
  /** How many are shown. */
  readonly count: number;
}

/** How far it was looked, and what it means that nothing is shown. */
function FoundNone({ events, reading, count }: FoundNoneProps) {
  const looked = events.events.length;
  if (reading.isUnderWay)
    return (
      <div className="actions more">
        <p role="status" className="lead">
          Looking further back: {looked} findings so far…
        </p>
        <Button variant="default" size="compact-xs" onClick={reading.stop}>
          Stop
        </Button>
      </div>
    );
  if (count > 0 || events.isLoading) return null;
  if (events.hasOlder)
    return (
      <EmptyState title={`None among the newest ${looked} findings`}>
        There are older ones that were not looked at.
      </EmptyState>
    );
  return (
    <EmptyState title="Nothing to look at">
      Refused placeholders, and secrets that a service sent back, show here as they come. All requests are in{' '}
      <Link to="/activity">Activity</Link>.
    </EmptyState>
  );
}

/** So many of a kind are looked for each time that somebody asks. */
const enough = 50;

interface ReadingOn {
  readonly isUnderWay: boolean;
  /** Goes on to look. */
  readonly readOn: () => Promise<void>;
  readonly stop: () => void;
}

/**
 * Reads on until there are enough of a kind. Which kind a finding is of is sealed in the record, and the API cannot look for it: whoever
 * asks for one kind has the findings opened, a page at a time. Without a kind a page is read when it is asked for.
 */
function useReadOn(events: Events, kind: string, shown: number): ReadingOn {
  const [wanted, want] = useState({ kind, count: enough });
  const most = wanted.kind === kind ? wanted.count : enough;
  const isWanted = kind !== '' && shown < most;
  const isUnderWay = isWanted && events.hasOlder && !events.isFull && !events.isLoading && events.error === undefined;
  const count = events.events.length;
  const { readOlder } = events;
  useEffect(() => {
    if (isUnderWay) void readOlder();
    // Each page that came asks for the next; the function is another at each turn.
  }, [isUnderWay, count]);
  return {
    isUnderWay,
    readOn: async () => {
      if (kind === '') await readOlder();
      else want({ kind, count: shown + enough });
    },
    stop: () => want({ kind, count: 0 }),
  };
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
    { head: 'Agent', isMinor: true, cell: ({ node }) => node.agent ?? <span className="dim">unknown</span> },
    {
      head: 'Request',
      kind: 'target',
      cell: (event) => (
        <button type="button" className="plain" onClick={() => open(event)}>
          <span className="method">{event.node.method}</span> {targetOf(event)}
        </button>
      ),
    },
    { head: 'Decision', isMinor: true, cell: ({ node }) => <DecisionTag decision={node.decision} /> },
  ];
}
