import { useQuery } from '@apollo/client/react';
import { SegmentedControl } from '@mantine/core';
import { Link } from 'react-router';
import { useMay } from '../../api/use-may.ts';
import {
  type OverviewCountsQuery,
  type OverviewTrafficQuery,
  OverviewTrafficDocument,
  WaitingApprovalsDocument,
} from '../../gql/graphql.ts';
import { Problem, problemText } from '../../ui/problem.tsx';
import { attentionOf } from './attention.ts';
import { type Figure, Figures } from './figures.tsx';
import './overview.css';
import { Expiring } from './expiring.tsx';
import { type Period, periodChoices, usePeriod } from './period.ts';
import { TopTable } from './top-table.tsx';
import { TrafficCharts } from './traffic-charts.tsx';
import { shareText, shortNumber } from '../../ui/number-text.ts';

type Counts = OverviewCountsQuery['overview'];

const pollMs = 15_000;

/** How things stand: what needs attention, how much there was, and who did it. Each number leads to what it counts. */
export function OverviewScreen({ counts }: { readonly counts: Counts }) {
  const period = usePeriod();
  const may = useMay();
  const { since } = period;
  const { data, previousData, error } = useQuery(OverviewTrafficDocument, {
    variables: { traffic: { since }, findings: { since, hasFindings: true } },
    fetchPolicy: 'network-only',
    skip: !may('audit:read'),
  });
  const found = (data ?? previousData) as OverviewTrafficQuery | undefined;
  return (
    <div className="stack">
      <div className="head overview-head">
        <h1>Overview</h1>
        <SegmentedControl
          size="xs"
          aria-label="Time"
          value={period.key}
          onChange={period.choose}
          data={periodChoices}
        />
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      <Needs counts={counts} traffic={found} since={since} />
      <Figures figures={figuresOf(counts, found, period)} />
      <TrafficCharts traffic={found?.traffic} />
      <div className="columns">
        <TopTable title="Agents" by="agent" rows={found?.agents} since={since} />
        <TopTable title="Hosts" by="host" rows={found?.hosts} since={since} />
      </div>
      {may('secret:read') && (counts.expiringSecrets ?? 0) > 0 && <Expiring />}
    </div>
  );
}

interface NeedsProps {
  readonly counts: Counts;
  readonly traffic: OverviewTrafficQuery | undefined;
  readonly since: string;
}

function Needs({ counts, traffic, since }: NeedsProps) {
  const { requests, failures } = totalsOf(traffic);
  const findings =
    traffic === undefined ? null : { count: traffic.found.edges.length, isMore: traffic.found.pageInfo.hasNextPage };
  const all = attentionOf({ counts, requests, failures, findings, waiting: useWaiting(), since });
  return (
    <section className="needs" aria-label="Needs attention">
      {all.length === 0 ? (
        <span className="tag allow">Nothing needs attention</span>
      ) : (
        <ul>
          {all.map(({ tone, text, to }) => (
            <li key={text}>
              <Link to={to} className={`tag ${tone}`}>
                {text}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** How much waits for an approval; null where that is not known. */
function useWaiting() {
  const may = useMay(false);
  const { data } = useQuery(WaitingApprovalsDocument, {
    fetchPolicy: 'network-only',
    skip: !may('approval:read'),
    pollInterval: pollMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  if (data === undefined) return null;
  const { nodes, pageInfo } = data.approvals;
  return { count: nodes.length, isMore: pageInfo.hasNextPage };
}

function figuresOf(counts: Counts, traffic: OverviewTrafficQuery | undefined, { since, name }: Period): Figure[] {
  const { requests, denials, failures } = totalsOf(traffic);
  const known = traffic !== undefined;
  const shown = (value: number | null) => (value === null ? '–' : shortNumber(value));
  return [
    { name: 'Requests', value: known ? shortNumber(requests) : '–', note: name, to: `/activity?since=${since}` },
    {
      name: 'Denied',
      value: known ? shortNumber(denials) : '–',
      note: known ? shareText(denials, requests) : '',
      to: `/activity?decision=DENY&since=${since}`,
      tone: denials > 0 ? 'deny' : undefined,
    },
    {
      name: 'Failed upstream',
      value: known ? shortNumber(failures) : '–',
      note: known ? shareText(failures, requests) : '',
      to: `/activity?failed=true&since=${since}`,
      tone: failures > 0 ? 'warn' : undefined,
    },
    {
      name: 'Workers live',
      value: shown(counts.liveWorkers),
      note: counts.workers === null ? '' : `of ${counts.workers}, revision ${counts.revision}`,
      to: '/workers',
    },
    { name: 'Agents', value: shown(counts.agents), note: noteOf(counts.disabledAgents), to: '/agents' },
    { name: 'Secrets', value: shown(counts.secrets), note: noteOf(counts.disabledSecrets), to: '/secrets' },
  ];
}

function noteOf(disabled: number | null): string {
  return disabled === null ? '' : disabled === 0 ? 'all enabled' : `${disabled} disabled`;
}

function totalsOf(traffic: OverviewTrafficQuery | undefined) {
  const sum = (pick: (slot: OverviewTrafficQuery['traffic']['slots'][number]) => number) =>
    (traffic?.traffic.slots ?? []).reduce((total, slot) => total + pick(slot), 0);
  return {
    requests: sum(({ requests }) => requests),
    denials: sum(({ denials }) => denials),
    failures: sum(({ failures }) => failures),
  };
}
