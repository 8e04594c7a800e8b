import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';

/** Reads something once more beside what is on the page: what is shown, and typed, stays as it is. */
export function useLook<Data, Variables extends OperationVariables, Found>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  pick: (data: Data) => Found | null,
): () => Promise<Found | null> {
  const client = useApolloClient();
  return async () => {
    const asked = query as TypedDocumentNode<Data, OperationVariables>;
    const { data } = await client.query({ query: asked, variables, fetchPolicy: 'no-cache' });
    return data === undefined ? null : pick(data as Data);
  };
}
