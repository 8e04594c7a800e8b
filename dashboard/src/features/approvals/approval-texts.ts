import type { ApprovalRowFragment } from '../../gql/graphql.ts';

export interface Standing {
  readonly tone: 'allow' | 'deny' | '';
  readonly text: string;
  /** It has an effect now, and can be ended. */
  readonly isInForce: boolean;
}

type Decided = Pick<ApprovalRowFragment, 'state' | 'endsAt' | 'decidedBy' | 'covers'>;

/** How one stands that does not wait any more: its time may be over since it was read. */
export function standingOf({ state, endsAt, decidedBy, covers }: Decided, nowMs: number): Standing {
  const isInForce = endsAt !== null && Date.parse(endsAt) > nowMs;
  switch (state) {
    case 'PENDING':
      return { tone: '', text: 'Waits', isInForce: false };
    case 'APPROVED':
      // It would hold again if the rule were changed back.
      if (isInForce && covers === null) return { tone: '', text: 'Rule changed', isInForce };
      return isInForce ? { tone: 'allow', text: 'Approved', isInForce } : { tone: '', text: 'Ended', isInForce };
    case 'DENIED':
      return { tone: 'deny', text: 'Denied', isInForce };
    case 'ENDED':
      return { tone: '', text: decidedBy === null ? 'Nobody decided' : 'Ended', isInForce: false };
  }
}

type Target = Pick<ApprovalRowFragment, 'host' | 'port' | 'path'>;

/** Where a request goes. The port is told wherever it is not that of HTTPS: somebody decides by it. */
export function targetText({ host, port, path }: Target): string {
  return `${host}${port === 443 ? '' : `:${port}`}${path}`;
}

/** All that a rule covers, in words. */
export function scopeText(covers: ApprovalRowFragment['covers']): string {
  if (covers === null) return 'it was changed or removed since';
  const { hosts, paths, methods } = covers;
  const what = methods.length === 0 ? 'every method' : methods.join(', ');
  return `${what} at ${hosts.join(', ')}, ${paths.length === 0 ? 'every path' : paths.join(', ')}`;
}

/** How often an agent asked. */
export function asksText(asks: number): string {
  return asks === 1 ? 'once' : `${asks} times`;
}
