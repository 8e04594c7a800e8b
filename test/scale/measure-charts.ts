import type { Onecli } from '../support/start-onecli.ts';
import { type Figures, figuresOf } from './figures.ts';

const rounds = 12;
const hourMs = 3_600_000;
const counts = 'requests denials latencyP50 latencyP95 latencyP99';

/** How long the figures of the dashboard take, each asked for another time than before, since an answer is kept for seconds. */
export async function measureCharts(onecli: Onecli, report: (row: Figures & { name: string }) => void): Promise<void> {
  const ask = (query: string, variables: object = {}) => graphql(onecli, query, variables);
  const timed = async (name: string, call: (round: number) => Promise<unknown>): Promise<void> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedMs = performance.now();
      await call(round);
      times.push(performance.now() - startedMs);
    }
    report({ name, ...figuresOf(times) });
  };
  await timed('overview', () =>
    ask('{ overview { revision secrets agents policies routes workers expiringSecrets } }'),
  );
  for (const [hours, stepMs] of [
    [1, 60_000],
    [6, 300_000],
    [24, 900_000],
    [168, 6 * hourMs],
  ] as const) {
    const since = (round: number) => new Date(Date.now() - hours * hourMs - (round - rounds) * stepMs).toISOString();
    const traffic = `query($f: TrafficFilterInput) { traffic(filter: $f) { slots { at ${counts} } } }`;
    await timed(`traffic ${hours} h`, (round) => ask(traffic, { f: { since: since(round) } }));
    await timed(`traffic ${hours} h of an agent`, (round) =>
      ask(traffic, { f: { since: since(round), agent: 'agent-000500' } }),
    );
    for (const by of ['AGENT', 'HOST'])
      await timed(`trafficBy ${by} ${hours} h`, (round) =>
        ask(`query($f: TrafficFilterInput) { trafficBy(by: ${by}, filter: $f) { name ${counts} } }`, {
          f: { since: since(round) },
        }),
      );
  }
  const impact = 'query($remove: String) { policyImpact(remove: $remove, hours: 1) { examined changed isComplete } }';
  await timed('policyImpact 1 h', () => ask(impact, { remove: 'policy-000500' }));
  await timed('reach first 50', () => ask('{ reach(first: 50) { nodes { rule agents hosts secrets } } }'));
  await timed('reach of an agent', () =>
    ask('{ reach(first: 50, filter: { agent: "agent-000500" }) { nodes { rule hosts secrets } } }'),
  );
}

async function graphql(onecli: Onecli, query: string, variables: object): Promise<void> {
  const { errors } = await onecli.must<{ errors?: unknown }>('POST', '/graphql', { query, variables });
  if (errors !== undefined) throw new Error(`${query}: ${JSON.stringify(errors)}`);
}
