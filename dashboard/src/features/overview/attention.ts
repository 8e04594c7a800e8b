import type { OverviewCountsQuery } from '../../gql/graphql.ts';

export interface Attention {
  readonly tone: 'deny' | 'warn';
  readonly text: string;
  readonly to: string;
}

/** So many, or more than that. */
interface Some {
  readonly count: number;
  readonly isMore: boolean;
}

interface Facts {
  readonly counts: OverviewCountsQuery['overview'];
  readonly requests: number;
  readonly failures: number;
  /** Null: not known. */
  readonly findings: Some | null;
  /** Approvals that wait for a decision. Null: not known. */
  readonly waiting: Some | null;
  /** `?since=…` of the time that is looked at. */
  readonly since: string;
}

const manyFailures = 0.05;
const fewRequests = 20;

/** What somebody should see to, the worst first; each says where. */
export function attentionOf({ counts, requests, failures, findings, waiting, since }: Facts): Attention[] {
  const { workers, liveWorkers, workersBehind, expiringSecrets, disabledAgents, policies } = counts;
  const all: (Attention | false)[] = [
    liveWorkers === 0 && {
      tone: 'deny',
      text:
        workers === 0
          ? 'No worker has ever reported: no request gets through'
          : 'No worker is live: no request gets through',
      to: '/workers',
    },
    liveWorkers !== null &&
      workers !== null &&
      liveWorkers > 0 &&
      liveWorkers < workers && {
        tone: 'warn',
        text: `${things(workers - liveWorkers, 'worker')} ${workers - liveWorkers === 1 ? 'does' : 'do'} not report any more`,
        to: '/workers',
      },
    (workersBehind ?? 0) > 0 && {
      tone: 'warn',
      text: `${things(workersBehind ?? 0, 'worker')} not yet at revision ${counts.revision}`,
      to: '/workers',
    },
    findings !== null &&
      findings.count > 0 && {
        tone: 'deny',
        text: `${findings.count}${findings.isMore ? '+' : ''} ${findings.count === 1 ? 'finding' : 'findings'} to look at`,
        to: `/findings?since=${since}`,
      },
    waiting !== null &&
      waiting.count > 0 && {
        tone: 'warn',
        text: `${waiting.count}${waiting.isMore ? '+' : ''} ${waiting.count === 1 ? 'request waits' : 'requests wait'} for an approval`,
        to: '/approvals',
      },
    (expiringSecrets ?? 0) > 0 && {
      tone: 'warn',
      text: `${things(expiringSecrets ?? 0, 'secret')} expired, or will within 14 days`,
      to: '/secrets?expiring=14',
    },
    requests >= fewRequests &&
      failures / requests >= manyFailures && {
        tone: 'warn',
        text: `${Math.round((100 * failures) / requests)} % of the requests failed upstream`,
        to: `/activity?failed=true&since=${since}`,
      },
    policies === 0 && { tone: 'warn', text: 'There is no policy: every request is denied', to: '/new/policy' },
    (disabledAgents ?? 0) > 0 && {
      tone: 'warn',
      text: `${things(disabledAgents ?? 0, 'agent')} disabled`,
      to: '/agents',
    },
  ];
  return all.filter((one) => one !== false);
}

function things(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
