import type { TypedDocumentNode } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import type { OperationVariables } from '@apollo/client';
import { noteWritten, type Waited } from './applied-note.ts';
import { type WriteError, writeErrorText } from '../ui/problem.tsx';

interface Payload extends Waited {
  readonly errors: readonly WriteError[];
}

/** The payload of a document's only mutation. */
type PayloadOf<Data> = Extract<Data[Exclude<keyof Data, '__typename'>], Payload>;

/** What came of a write: `problem` is what is wrong, for a person to read, or undefined. Nothing was written where there is one. */
export interface Written<Found> {
  readonly payload: Found;
  readonly problem: string | undefined;
  /** The code of the first error. */
  readonly code: string | undefined;
}

/** Writes by a document with one mutation. What it gave is not cached: it may be told once. @throws when the call failed */
export function useWrite<Data, Variables extends OperationVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
): (variables: Variables) => Promise<Written<PayloadOf<Data>>> {
  const client = useApolloClient();
  return async (variables) => {
    // Its own fields are known by the document's type alone.
    const options = { mutation, variables, fetchPolicy: 'no-cache' } as Parameters<typeof client.mutate<Data>>[0];
    const { data } = await client.mutate<Data>(options);
    const [payload] = Object.values(data ?? {}).filter((value) => typeof value === 'object') as PayloadOf<Data>[];
    if (payload === undefined) throw new Error('The control plane gave no answer to a write');
    const problem = payload.errors.length > 0 ? writeErrorText(payload.errors) : undefined;
    if (problem === undefined) noteWritten(payload);
    return { payload, problem, code: payload.errors[0]?.code };
  };
}
