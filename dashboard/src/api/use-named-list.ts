import type { OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useApolloClient, useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { useLocation, useSearchParams } from 'react-router';
import { type MorePages, type Page, keepPages, keptPages, readPages } from './kept-pages.ts';

const pageSize = 100;

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
  const of = JSON.stringify([nameOf(document), prefix, others]);
  const asked = { ...others, first: pageSize, after: null, filter } as ListVariables & Others;
  const { data, previousData, error, refetch } = useQuery(document as TypedDocumentNode<Data, OperationVariables>, {
    variables: asked as OperationVariables,
  });
  const readBehind = async (after: string | null): Promise<Page<Row> | undefined> => {
    const variables = { ...asked, after } as OperationVariables;
    const query = document as TypedDocumentNode<Data, OperationVariables>;
    const next = await client.query({ query, variables, fetchPolicy: 'no-cache' });
    return next.data === undefined ? undefined : pick(next.data as Data);
  };
  const found = (data ?? previousData) as Data | undefined;
  const { more, setMore, isReading } = useMorePages(
    of,
    data === undefined ? undefined : pick(data as Data),
    readBehind,
  );
  const [failure, setFailure] = useState<unknown>();
  const pages = found === undefined ? [] : [pick(found), ...(more?.pages ?? [])];
  const last = pages.at(-1);
  const readMore = async () => {
    try {
      const page = await readBehind(last?.pageInfo.endCursor ?? null);
      if (page === undefined) return;
      setMore({ of, pages: [...pages.slice(1), page] });
      setFailure(undefined);
    } catch (cause) {
      setFailure(cause);
    }
  };
  return {
    rows: found === undefined ? undefined : pages.flatMap(({ nodes }) => nodes),
    error: error ?? failure,
    // While another search is read, the end of the one before leads nowhere; while what was kept is read anew, its end may move.
    hasMore: data !== undefined && !isReading && (last?.pageInfo.hasNextPage ?? false),
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

/** The name of a document's operation. */
function nameOf({ definitions }: TypedDocumentNode<unknown, never>): string | undefined {
  return definitions.flatMap((one) => (one.kind === 'OperationDefinition' ? [one.name?.value] : []))[0];
}

/**
 * The pages behind the first. Whoever comes back to the list finds those that were read before at once, so that it is as long as it was;
 * then they are read anew, for something may have changed.
 */
function useMorePages<Row>(
  of: string,
  first: Page<Row> | undefined,
  readBehind: (cursor: string | null) => Promise<Page<Row> | undefined>,
) {
  const { key } = useLocation();
  const [more, setMore] = useState(() => keptPages<Row>(key, of));
  const [old, setOld] = useState(more);
  const [isReading, setReading] = useState(old !== undefined);
  const isOld = old !== undefined && more === old && first !== undefined;
  useEffect(() => {
    if (!isOld) return;
    setOld(undefined);
    readPages(old.pages.length, first, readBehind)
      .then((pages) => setMore((last) => (last === old ? { of, pages } : last)))
      // What was kept stays.
      .catch(() => undefined)
      .finally(() => setReading(false));
    // Once, when the first page is there.
  }, [isOld]);
  return {
    more: more?.of === of ? more : undefined,
    isReading: isReading && more?.of === of,
    setMore: (next: MorePages<Row> | undefined) => {
      if (next !== undefined) keepPages(key, next);
      setMore(next);
    },
  };
}
