import type { EventRowFragment } from '../../gql/graphql.ts';

/** An event, and its place in the record. */
export interface PlacedEvent {
  readonly cursor: string;
  readonly node: EventRowFragment;
}

/** What the list shows, and what came while it stood still. The newest is first in each. */
export interface EventList {
  readonly events: readonly PlacedEvent[];
  readonly held: readonly PlacedEvent[];
  /** More were held than are kept: they are in the record, and come when the list is read anew. */
  readonly hasMissed: boolean;
  readonly isPaused: boolean;
  readonly hasOlder: boolean;
  /** Older ones were read: they are not taken away again by what comes. */
  readonly hasReadBack: boolean;
}

export const emptyList: EventList = {
  events: [],
  held: [],
  hasMissed: false,
  isPaused: false,
  hasOlder: false,
  hasReadBack: false,
};

/** A tail that runs for days keeps this many; older ones are read again when asked for. */
export const mostFollowed = 500;

/** Whoever reads back has at most this many at once; how to go on from there the screen says. */
export const mostRead = 10_000;

export type EventListChange =
  | { readonly kind: 'read'; readonly events: readonly PlacedEvent[]; readonly hasOlder: boolean }
  /** Those behind a cursor: of a list that ends with another by now they are no part. */
  | {
      readonly kind: 'older';
      readonly behind: string | undefined;
      readonly events: readonly PlacedEvent[];
      readonly hasOlder: boolean;
    }
  /** The newest first. */
  | { readonly kind: 'came'; readonly events: readonly PlacedEvent[] }
  | { readonly kind: 'pause' }
  | { readonly kind: 'go on' };

/** The list after a change. */
export function changeList(list: EventList, change: EventListChange): EventList {
  switch (change.kind) {
    case 'read':
      return { ...emptyList, events: change.events, isPaused: list.isPaused, hasOlder: change.hasOlder };
    case 'older':
      if (list.events.at(-1)?.cursor !== change.behind) return list;
      return {
        ...list,
        events: [...list.events, ...change.events].slice(0, mostRead),
        hasOlder: change.hasOlder,
        hasReadBack: true,
      };
    case 'came':
      return list.isPaused ? hold(list, change.events) : put(list, change.events);
    case 'pause':
      return { ...list, isPaused: true };
    case 'go on':
      return { ...put(list, list.held), held: [], isPaused: false };
  }
}

function put(list: EventList, came: readonly PlacedEvent[]): EventList {
  const known = new Set(list.events.map(({ node }) => node.id));
  const fresh = came.filter(({ node }) => !known.has(node.id));
  if (fresh.length === 0) return list;
  const events = [...fresh, ...list.events];
  const most = list.hasReadBack ? mostRead : mostFollowed;
  return { ...list, events: events.slice(0, most), hasOlder: list.hasOlder || events.length > most };
}

function hold(list: EventList, came: readonly PlacedEvent[]): EventList {
  const held = [...came, ...list.held];
  // The gap is behind those that are kept: the oldest of what was held is what is read again.
  return { ...list, held: held.slice(0, mostFollowed), hasMissed: list.hasMissed || held.length > mostFollowed };
}
