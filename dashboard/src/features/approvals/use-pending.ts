import type { ApolloClient } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import type { Subscription } from 'rxjs';
import { type ApprovalRowFragment, ApprovalsPendingDocument } from '../../gql/graphql.ts';

export interface PendingApprovals {
  /** Undefined until they are there. */
  readonly rows: readonly ApprovalRowFragment[] | undefined;
  readonly error: unknown;
}

const againAfterMs = 3_000;

/** What waits for a decision, as it is now. */
export function usePending(): PendingApprovals {
  const client = useApolloClient();
  const [pending, setPending] = useState<PendingApprovals>({ rows: undefined, error: undefined });
  useEffect(
    () =>
      followPending(client, {
        came: (rows) => setPending({ rows, error: undefined }),
        // What was there stays.
        failed: (error) => setPending(({ rows }) => ({ rows, error })),
      }),
    [client],
  );
  return pending;
}

interface Watcher {
  readonly came: (rows: readonly ApprovalRowFragment[]) => void;
  readonly failed: (cause: unknown) => void;
}

/** Where it fails, or is ended, it begins anew. Gives how to end it. */
function followPending(client: ApolloClient, { came, failed }: Watcher): () => void {
  let isOver = false;
  let subscription: Subscription | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = () => {
    if (isOver) return;
    subscription?.unsubscribe();
    clearTimeout(timer);
    timer = setTimeout(begin, againAfterMs);
  };
  const again = (cause: unknown) => {
    if (!isOver) failed(cause);
    later();
  };
  const begin = () => {
    subscription = client.subscribe({ query: ApprovalsPendingDocument, fetchPolicy: 'no-cache' }).subscribe({
      next: ({ data, error }) => {
        if (error !== undefined) again(error);
        else if (data != null) came(data.approvalsPending);
      },
      error: again,
      complete: later,
    });
  };
  begin();
  return () => {
    isOver = true;
    clearTimeout(timer);
    subscription?.unsubscribe();
  };
}
