import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { AuditEventWrittenDocument } from '../../gql/graphql.ts';
import { type FirstRequest, judgeFirstRequest } from './judge-first-request.ts';

const silenceMs = 45_000;

/** Waits for the first request of an agent, live; says what stands in its way. */
export function useFirstRequest(agent: string): {
  readonly found: FirstRequest | undefined;
  readonly isSilent: boolean;
} {
  const client = useApolloClient();
  const [found, setFound] = useState<FirstRequest>();
  const [isSilent, setSilent] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSilent(true), silenceMs);
    const subscription = client
      .subscribe({ query: AuditEventWrittenDocument, variables: { filter: {} }, fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data }) => {
          if (data == null) return;
          const judged = judgeFirstRequest(data.auditEventWritten.node, agent);
          if (judged.kind === 'other') return;
          setFound((before) => (before?.kind === 'seen' ? before : judged));
        },
        error: () => setSilent(true),
      });
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
  }, [client, agent]);
  return { found, isSilent: isSilent && found === undefined };
}
