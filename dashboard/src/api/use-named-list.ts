import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useApolloClient, useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';

const pageSize = 100;

interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface ListVariables {
  readonly first: number;
  readonly after?: string | null | undefined;
  readonly filter?: { readonly namePrefix?: string | null | undefined } | null | undefined;
}

/** A list of named things as far as it was read, and how to read on. */
export interface NamedList<Row> {
  /** Undefined until the first page is there. */
  readonly rows: readonly Row[] | undefined;
  readonly error: unknown;
  readonly hasMore: boolean;
  readonly readMore: () => Promise<void>;
  /** The beginning of the names, as the address has it. */
  readonly prefix: string;
  readonly search: (prefix: string) => void;
  /** Reads it anew, after something of it was changed. */
  readonly reread: () => Promise<void>;
}

/** Reads a connection of named things by the address's search (`?q=`), page by page as they are asked for. `others` are variables of its own. */
export function useNamedList<Data, Row, Others extends object = object>(
  document: TypedDocumentNode<Data, ListVariables & Others>,
  pick: (data: Data) => Page<Row>,
  others?: Others,
): NamedList<Row> {
  const client = useApolloClient();
  const [parameters, setParameters] = useSearchParams();
  const prefix = parameters.get('q') ?? '';
  const filter = prefix === '' ? null : { namePrefix: prefix };
  const of = JSON.stringify([prefix, others]);
  const asked = { ...others, first: pageSize, after: null, filter } as ListVariables & Others;
  const { data, previousData, error, refetch } = useQuery(document as TypedDocumentNode<Data, OperationVariables>, {
    variables: asked as OperationVariables,
  });
  const [more, setMore] = useState<{ readonly of: string; readonly pages: readonly Page<Row>[] }>();
  const [failure, setFailure] = useState<unknown>();
  const found = (data ?? previousData) as Data | undefined;
  const pages = found === undefined ? [] : [pick(found), ...(more?.of === of ? more.pages : [])];
  const last = pages.at(-1);
  const readMore = async () => {
    const after = last?.pageInfo.endCursor ?? null;
    const variables = { ...asked, after } as OperationVariables;
    try {
      const next = await client.query({
        query: document as TypedDocumentNode<Data, OperationVariables>,
        variables,
        fetchPolicy: 'no-cache',
      });
      if (next.data === undefined) return;
      const page = pick(next.data as Data);
      setMore({ of, pages: [...pages.slice(1), page] });
      setFailure(undefined);
    } catch (cause) {
      setFailure(cause);
    }
  };
  return {
    rows: found === undefined ? undefined : pages.flatMap(({ nodes }) => nodes),
    error: error ?? failure,
    // While another search is read, the end of the one before leads nowhere.
    hasMore: data !== undefined && (last?.pageInfo.hasNextPage ?? false),
    readMore,
    prefix,
    reread: async () => {
      setMore(undefined);
      await refetch();
    },
    search: (text) =>
      setParameters(
        (before) => {
          if (text === '') before.delete('q');
          else before.set('q', text);
          return before;
        },
        { replace: true },
      ),
  };
}
