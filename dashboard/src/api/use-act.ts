import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useWrite } from './use-write.ts';

/** What a button does that makes one write: it gives what is wrong with it, or undefined after `done`. */
export function useAct<Data, Variables extends OperationVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  done: () => void | Promise<void>,
): (variables: Variables) => () => Promise<string | undefined> {
  const write = useWrite(mutation);
  return (variables) => async () => {
    const { problem } = await write(variables);
    if (problem === undefined) await done();
    return problem;
  };
}
