import type { ApolloClient } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useEffect, useReducer, useState } from 'react';
import type { AuditFilterInput } from '../../gql/graphql.ts';
import { type EventList, type EventListChange, changeList, emptyList, mostRead } from './event-list.ts';
import { followRecord, readPage } from './follow-record.ts';

/** The record behind a filter: a page of it, what comes from now on, and what to do with it. */
export interface Events extends EventList {
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly pause: () => void;
  readonly goOn: () => void;
  readonly readOlder: () => Promise<void>;
  /** As many older ones are there as are kept at once. */
  readonly isFull: boolean;
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
      loaded: () => {
        setLoading(false);
        setError(undefined);
      },
      failed: (cause) => {
        setError(cause);
        setLoading(false);
      },
    });
  }, [client, key, round]);
  return {
    ...list,
    isLoading,
    error,
    isFull: list.events.length >= mostRead,
    readOlder: () => readOlder(client, filter, list, change).catch(setError),
    pause: () => change({ kind: 'pause' }),
    goOn: () => {
      change({ kind: 'go on' });
      if (list.hasMissed) setRound((last) => last + 1);
    },
  };
}

async function readOlder(
  client: ApolloClient,
  filter: AuditFilterInput,
  { events }: EventList,
  change: (change: EventListChange) => void,
): Promise<void> {
  const behind = events.at(-1)?.cursor;
  change({ kind: 'older', behind, ...(await readPage(client, filter, behind ?? null)) });
}
