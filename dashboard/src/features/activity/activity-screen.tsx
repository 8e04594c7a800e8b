import { Anchor } from '@mantine/core';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { EmptyState } from '../../ui/empty-state.tsx';
import { MoreRows } from '../../ui/more-rows.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { ActivityFilter, useActivityFilter } from './activity-filter.tsx';
import { EventDrawer } from './event-drawer.tsx';
import type { PlacedEvent } from './event-list.ts';
import { EventTable } from './event-table.tsx';
import { LiveState } from './live-state.tsx';
import { type Events, useEvents } from './use-events.ts';
import { usePauseWhileReading } from './use-pause-while-reading.ts';

/** The requests of agents, as they come. */
export function ActivityScreen() {
  const filter = useActivityFilter();
  const events = useEvents(filter);
  usePauseWhileReading(events);
  const [opened, setOpened] = useState<PlacedEvent>();
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <>
      <div className="head">
        <h1>Activity</h1>
        <ActivityFilter />
        <LiveState events={events} />
      </div>
      {events.error !== undefined && <Problem>{problemText(events.error)}</Problem>}
      {events.events.length > 0 && (
        <div className="panel table">
          <EventTable events={events.events} open={setOpened} />
        </div>
      )}
      {events.events.length === 0 && !events.isLoading && <NoEvents isFiltered={isFiltered} />}
      {events.hasOlder && !events.isFull && (
        <MoreRows label="Older" read={events.readOlder} count={events.events.length} />
      )}
      {events.isFull && <GoOnFrom events={events} />}
      <EventDrawer event={opened} close={() => setOpened(undefined)} />
    </>
  );
}

/** Leads on behind the last of what is kept at once. */
function GoOnFrom({ events }: { readonly events: Events }) {
  const [parameters] = useSearchParams();
  const last = events.events.at(-1);
  if (last === undefined) return null;
  const next = new URLSearchParams(parameters);
  next.set('until', last.node.time);
  return (
    <p className="lead more">
      These are {events.events.length}.{' '}
      <Anchor component={Link} to={`?${next}`} onClick={() => window.scrollTo(0, 0)} inherit>
        Go on with those before
      </Anchor>
    </p>
  );
}

function NoEvents({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return <EmptyState title="No request matches">Change the filter, or wait: new ones come by themselves.</EmptyState>;
  return (
    <EmptyState title="No request yet">
      Requests show here as they come. Send one: <code>npx onecli run --agent my-agent -- claude</code>
    </EmptyState>
  );
}
