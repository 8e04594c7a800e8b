import { Button } from '@mantine/core';
import { Link } from 'react-router';
import type { PlacedEvent } from './event-list.ts';

/** Leads to a rule that is filled in with what was refused. */
export function AllowThis({ event: { node } }: { readonly event: PlacedEvent }) {
  if (node.agent === null) return null;
  const parameters = new URLSearchParams({ agent: node.agent, host: node.host, method: node.method });
  if (node.path !== null && node.method !== 'CONNECT') parameters.set('path', node.path);
  if (node.port !== 443 && node.port !== 80) parameters.set('port', String(node.port));
  return (
    <Button component={Link} to={`/new/rule?${parameters}`} size="xs">
      Allow this…
    </Button>
  );
}
