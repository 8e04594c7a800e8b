import { Button } from '@mantine/core';
import { useState } from 'react';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { ActivityFilter, useActivityFilter } from './activity-filter.tsx';
import { EventDrawer } from './event-drawer.tsx';
import type { PlacedEvent } from './event-list.ts';
import { EventTable } from './event-table.tsx';
import { LiveState } from './live-state.tsx';
import { useEvents } from './use-events.ts';

/** The requests of agents, as they come. */
export function ActivityScreen() {
  const filter = useActivityFilter();
  const events = useEvents(filter);
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
      {events.hasOlder && (
        <Button variant="default" size="xs" mt="sm" onClick={() => void events.readOlder()}>
          Older
        </Button>
      )}
      <EventDrawer event={opened} close={() => setOpened(undefined)} />
    </>
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
