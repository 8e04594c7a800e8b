import type { TypedDocumentNode } from '@apollo/client';
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
}

/** Reads a connection of named things by the address's search (`?q=`), page by page as they are asked for. */
export function useNamedList<Data, Row>(
  document: TypedDocumentNode<Data, ListVariables>,
  pick: (data: Data) => Page<Row>,
): NamedList<Row> {
  const client = useApolloClient();
  const [parameters, setParameters] = useSearchParams();
  const prefix = parameters.get('q') ?? '';
  const filter = prefix === '' ? null : { namePrefix: prefix };
  const { data, previousData, error } = useQuery(document, { variables: { first: pageSize, after: null, filter } });
  const [more, setMore] = useState<{ readonly prefix: string; readonly pages: readonly Page<Row>[] }>();
  const [failure, setFailure] = useState<unknown>();
  const found = (data ?? previousData) as Data | undefined;
  const pages = found === undefined ? [] : [pick(found), ...(more?.prefix === prefix ? more.pages : [])];
  const last = pages.at(-1);
  const readMore = async () => {
    const after = last?.pageInfo.endCursor ?? null;
    const variables = { first: pageSize, after, filter };
    try {
      const next = await client.query({ query: document, variables, fetchPolicy: 'no-cache' });
      if (next.data === undefined) return;
      const page = pick(next.data as Data);
      setMore({ prefix, pages: [...pages.slice(1), page] });
      setFailure(undefined);
    } catch (cause) {
      setFailure(cause);
    }
  };
  return {
    rows: found === undefined ? undefined : pages.flatMap(({ nodes }) => nodes),
    error: error ?? failure,
    hasMore: last?.pageInfo.hasNextPage ?? false,
    readMore,
    prefix,
    search: (text) => setParameters(text === '' ? {} : { q: text }, { replace: true }),
  };
}
