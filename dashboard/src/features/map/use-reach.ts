import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { type ReachFilter, type ReachRuleFragment, ReachRulesDocument } from '../../gql/graphql.ts';

const pageSize = 200;
const mostPages = 5;

export interface ReachedRules {
  readonly rules: readonly ReachRuleFragment[];
  readonly isLoading: boolean;
  /** There are more than are read. */
  readonly isCut: boolean;
  readonly error: unknown;
}

/** Reads the rules behind a filter, page by page, at most a thousand. `filter` is compared by its content. */
export function useReach(filter: ReachFilter): ReachedRules {
  const client = useApolloClient();
  const [found, setFound] = useState<ReachedRules>({ rules: [], isLoading: true, isCut: false, error: undefined });
  const key = JSON.stringify(filter);
  useEffect(() => {
    let isOver = false;
    const read = async () => {
      const rules: ReachRuleFragment[] = [];
      let after: string | null = null;
      for (let page = 1; page <= mostPages; page += 1) {
        const variables: { first: number; after: string | null; filter: ReachFilter } = {
          first: pageSize,
          after,
          filter: JSON.parse(key) as ReachFilter,
        };
        const { data } = await client.query({ query: ReachRulesDocument, variables, fetchPolicy: 'no-cache' });
        if (isOver || data === undefined) return;
        rules.push(...data.reach.nodes);
        after = data.reach.pageInfo.endCursor;
        const isMore = data.reach.pageInfo.hasNextPage;
        setFound({ rules: [...rules], isLoading: isMore && page < mostPages, isCut: isMore, error: undefined });
        if (!isMore) return;
      }
    };
    read().catch((error: unknown) => {
      if (!isOver) setFound({ rules: [], isLoading: false, isCut: false, error });
    });
    return () => {
      isOver = true;
    };
  }, [client, key]);
  return found;
}
