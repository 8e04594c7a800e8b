import { useQuery } from '@apollo/client/react';
import { AgentLastSeenDocument } from '../../gql/graphql.ts';
import { TimeText } from '../../ui/time-text.tsx';

/** When an agent last asked for something, and for what. */
export function LastSeen({ name }: { readonly name: string }) {
  const { data, error } = useQuery(AgentLastSeenDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  if (error !== undefined) return 'not for you to read';
  if (data === undefined) return '…';
  const [event] = data.auditEvents.nodes;
  if (event === undefined) return 'never';
  return (
    <>
      <TimeText at={event.time} /> <span className="mono">{event.host}</span>
    </>
  );
}
