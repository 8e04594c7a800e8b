import type { EventRowFragment } from '../../gql/graphql.ts';

/** An event, and its place in the record. */
export interface PlacedEvent {
  readonly cursor: string;
  readonly node: EventRowFragment;
}

/** What the list shows, and what came while it stood still. */
export interface EventList {
  readonly events: readonly PlacedEvent[];
  readonly held: readonly PlacedEvent[];
  /** More were held than are kept: they are in the record, and come when the list is read anew. */
  readonly hasMissed: boolean;
  readonly isPaused: boolean;
  readonly hasOlder: boolean;
}

export const emptyList: EventList = { events: [], held: [], hasMissed: false, isPaused: false, hasOlder: false };

/** A tail that runs for days keeps this many; older ones are read again when asked for. */
const maxEvents = 500;

export type EventListChange =
  | { readonly kind: 'read'; readonly events: readonly PlacedEvent[]; readonly hasOlder: boolean }
  | { readonly kind: 'older'; readonly events: readonly PlacedEvent[]; readonly hasOlder: boolean }
  | { readonly kind: 'came'; readonly event: PlacedEvent }
  | { readonly kind: 'pause' }
  | { readonly kind: 'go on' };

/** The list after a change. */
export function changeList(list: EventList, change: EventListChange): EventList {
  switch (change.kind) {
    case 'read':
      return { ...list, events: change.events, held: [], hasMissed: false, hasOlder: change.hasOlder };
    case 'older':
      return { ...list, events: [...list.events, ...change.events], hasOlder: change.hasOlder };
    case 'came':
      return list.isPaused ? hold(list, change.event) : put(list, [change.event]);
    case 'pause':
      return { ...list, isPaused: true };
    case 'go on':
      return { ...put(list, list.held), held: [], isPaused: false };
  }
}

function put(list: EventList, came: readonly PlacedEvent[]): EventList {
  const known = new Set(list.events.map(({ node }) => node.id));
  const fresh = came.filter(({ node }) => !known.has(node.id));
  const events = [...fresh, ...list.events];
  const isCut = fresh.length > 0 && events.length > maxEvents;
  return { ...list, events: isCut ? events.slice(0, maxEvents) : events, hasOlder: list.hasOlder || isCut };
}

function hold(list: EventList, event: PlacedEvent): EventList {
  if (list.held.length >= maxEvents) return { ...list, hasMissed: true };
  return { ...list, held: [event, ...list.held] };
}
