import type { OverviewTrafficQuery } from '../../gql/graphql.ts';
import { msText, shortNumber } from '../../ui/number-text.ts';
import { type Series, TimeChart } from '../../ui/time-chart.tsx';

type Traffic = OverviewTrafficQuery['traffic'];
type Slot = Traffic['slots'][number];

const requestSeries: readonly Series<Slot>[] = [
  {
    name: 'Allowed',
    tone: 'calm',
    kind: 'bar',
    value: ({ requests, denials, failures }) => requests - denials - failures,
  },
  { name: 'Failed upstream', tone: 'warn', kind: 'bar', value: ({ failures }) => failures },
  { name: 'Denied', tone: 'deny', kind: 'bar', value: ({ denials }) => denials },
];

const latencySeries: readonly Series<Slot>[] = [
  { name: 'P95', tone: 'strong', kind: 'line', value: ({ latencyP95 }) => latencyP95 },
  { name: 'Median', tone: 'calm', kind: 'line', value: ({ latencyP50 }) => latencyP50 },
];

/** Requests and their time over time. Their places are there before they are. */
export function TrafficCharts({ traffic }: { readonly traffic: Traffic | undefined }) {
  const { slots = [], stepSeconds = 60 } = traffic ?? {};
  const linkOf = ({ at }: Slot) => {
    const until = new Date(Date.parse(at) + stepSeconds * 1_000).toISOString();
    return `/activity?since=${at}&until=${until}`;
  };
  return (
    <div className="columns">
      <TimeChart title="Requests" slots={slots} series={requestSeries} format={shortNumber} linkOf={linkOf} />
      <TimeChart
        title="Time taken, of those let through"
        slots={slots}
        series={latencySeries}
        format={msText}
        linkOf={linkOf}
      />
    </div>
  );
}
