import type { ApolloClient } from '@apollo/client';
import type { Subscription } from 'rxjs';
import { type AuditFilterInput, AuditEventsDocument, AuditEventWrittenDocument } from '../../gql/graphql.ts';
import { type EventListChange, type PlacedEvent, mostFollowed } from './event-list.ts';

const pageSize = 100;
const showEveryMs = 200;
const againAfterMs = 3_000;

interface Watcher {
  readonly change: (change: EventListChange) => void;
  readonly loaded: () => void;
  readonly failed: (cause: unknown) => void;
}

/**
 * Reads a page of the record, and follows from its newest event on. What comes is shown a few times each second, however much it
 * is. Where it fails it begins anew. Gives how to end it.
 */
export function followRecord(client: ApolloClient, filter: AuditFilterInput, watcher: Watcher): () => void {
  const { change, loaded, failed } = watcher;
  let isOver = false;
  let subscription: Subscription | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const gathered = gather((events) => change({ kind: 'came', events }));
  const again = (cause: unknown) => {
    if (isOver) return;
    failed(cause);
    subscription?.unsubscribe();
    timer = setTimeout(begin, againAfterMs);
  };
  const read = async () => {
    const page = await readPage(client, filter, null);
    if (isOver) return;
    change({ kind: 'read', ...page });
    loaded();
    const variables = { filter, after: page.events[0]?.cursor ?? null };
    subscription = client
      .subscribe({ query: AuditEventWrittenDocument, variables, fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data, error }) => {
          if (error !== undefined) again(error);
          else if (data != null) gathered.add(data.auditEventWritten);
        },
        error: again,
      });
  };
  const begin = () => void read().catch(again);
  begin();
  return () => {
    isOver = true;
    clearTimeout(timer);
    gathered.stop();
    subscription?.unsubscribe();
  };
}

/** Gives on what was added, a few times each second, the newest first; of very much the newest alone. */
function gather(give: (events: readonly PlacedEvent[]) => void) {
  let events: PlacedEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    timer = undefined;
    const [all, kept] = [events, events.slice(-mostFollowed)];
    events = [];
    if (all.length > 0) give(kept.reverse());
  };
  return {
    add(event: PlacedEvent): void {
      events.push(event);
      // Twice as many as are kept: not each is worth a copy.
      if (events.length > 2 * mostFollowed) events = events.slice(-mostFollowed);
      timer ??= setTimeout(show, showEveryMs);
    },
    stop(): void {
      clearTimeout(timer);
    },
  };
}

/** A page of the record, behind a cursor. */
export async function readPage(client: ApolloClient, filter: AuditFilterInput, after: string | null) {
  const variables = { first: pageSize, after, filter };
  const { data } = await client.query({ query: AuditEventsDocument, variables, fetchPolicy: 'no-cache' });
  return { events: data?.auditEvents.edges ?? [], hasOlder: data?.auditEvents.pageInfo.hasNextPage ?? false };
}
