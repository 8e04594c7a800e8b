import { Button } from '@mantine/core';
import { useIsConnected } from '../../api/use-is-connected.ts';
import type { Events } from './use-events.ts';

/** Whether new events come in, and how to stop and go on. */
export function LiveState({ events }: { readonly events: Events }) {
  const isOpen = useIsConnected();
  const count = events.held.length;
  const waiting = events.hasMissed ? `${count}+` : String(count);
  return (
    <div className="live">
      <span role="status" className={isOpen && !events.isPaused ? 'dot on' : 'dot'}>
        {events.isPaused ? `Paused, ${waiting} new` : isOpen ? 'Live' : 'Connecting…'}
      </span>
      <Button variant="default" size="xs" onClick={events.isPaused ? events.goOn : events.pause}>
        {events.isPaused ? 'Go on' : 'Pause'}
      </Button>
    </div>
  );
}
