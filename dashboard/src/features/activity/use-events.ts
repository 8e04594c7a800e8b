import type { ApolloClient } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useEffect, useReducer, useState } from 'react';
import type { Subscription } from 'rxjs';
import { type AuditFilterInput, AuditEventsDocument, AuditEventWrittenDocument } from '../../gql/graphql.ts';
import { type EventList, type EventListChange, changeList, emptyList } from './event-list.ts';

const pageSize = 100;

/** The record behind a filter: a page of it, what comes from now on, and what to do with it. */
export interface Events extends EventList {
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly pause: () => void;
  readonly goOn: () => void;
  readonly readOlder: () => Promise<void>;
}

/** Follows the record. `filter` is compared by its content. */
export function useEvents(filter: AuditFilterInput): Events {
  const client = useApolloClient();
  const [list, change] = useReducer(changeList, emptyList);
  const [isLoading, setLoading] = useState(true);
  const [error, setError] = useState<unknown>();
  const [round, setRound] = useState(0);
  const key = JSON.stringify(filter);
  useEffect(() => {
    setLoading(true);
    setError(undefined);
    return followRecord(client, JSON.parse(key) as AuditFilterInput, {
      change,
      loaded: () => setLoading(false),
      failed: (cause) => {
        setError(cause);
        setLoading(false);
      },
    });
  }, [client, key, round]);
  const readOlder = async () => {
    const after = list.events.at(-1)?.cursor ?? null;
    try {
      change({ kind: 'older', ...(await readPage(client, filter, after)) });
    } catch (cause) {
      setError(cause);
    }
  };
  return {
    ...list,
    isLoading,
    error,
    readOlder,
    pause: () => change({ kind: 'pause' }),
    goOn: () => {
      change({ kind: 'go on' });
      if (list.hasMissed) setRound((last) => last + 1);
    },
  };
}

interface Watcher {
  readonly change: (change: EventListChange) => void;
  readonly loaded: () => void;
  readonly failed: (cause: unknown) => void;
}

/** Reads a page, and follows from its newest event on. Gives how to end it. */
function followRecord(client: ApolloClient, filter: AuditFilterInput, { change, loaded, failed }: Watcher): () => void {
  let isOver = false;
  let subscription: Subscription | undefined;
  const begin = async () => {
    const page = await readPage(client, filter, null);
    if (isOver) return;
    change({ kind: 'read', ...page });
    loaded();
    const after = page.events[0]?.cursor ?? null;
    subscription = client
      .subscribe({ query: AuditEventWrittenDocument, variables: { filter, after }, fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data }) => {
          if (data != null) change({ kind: 'came', event: data.auditEventWritten });
        },
        error: failed,
      });
  };
  begin().catch((cause: unknown) => {
    if (!isOver) failed(cause);
  });
  return () => {
    isOver = true;
    subscription?.unsubscribe();
  };
}

async function readPage(client: ApolloClient, filter: AuditFilterInput, after: string | null) {
  const variables = { first: pageSize, after, filter };
  const { data } = await client.query({ query: AuditEventsDocument, variables, fetchPolicy: 'no-cache' });
  return { events: data?.auditEvents.edges ?? [], hasOlder: data?.auditEvents.pageInfo.hasNextPage ?? false };
}
