import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { type SimulateQuery, type SimulateQueryVariables, SimulateDocument } from '../../gql/graphql.ts';
import { Problem } from '../../ui/problem.tsx';
import { useTask } from '../../ui/use-task.ts';
import { Outcome } from './outcome.tsx';
import { parseHeaders } from './parse-headers.ts';
import { shownUrl } from './shown-url.ts';
import { type Asked, SimulatorForm } from './simulator-form.tsx';

type Simulation = SimulateQuery['simulate'];

/** What would be decided of a request. Nothing is sent. The request is in the address, its headers and query are not. */
export function SimulatorScreen() {
  const client = useApolloClient();
  const [parameters, setParameters] = useSearchParams();
  const task = useTask();
  const [found, setFound] = useState<{ readonly asked: Asked; readonly simulation: Simulation }>();
  const given: Asked = {
    agent: parameters.get('agent') ?? '',
    method: parameters.get('method') ?? 'GET',
    url: parameters.get('url') ?? '',
    headers: '',
  };
  const simulate = (asked: Asked) =>
    task.run(async () => {
      const headers = parseHeaders(asked.headers);
      if (typeof headers === 'string') return headers;
      const variables: SimulateQueryVariables = { ...asked, headers };
      const { data, error } = await client.query({
        query: SimulateDocument,
        variables,
        fetchPolicy: 'no-cache',
        errorPolicy: 'none',
      });
      if (error !== undefined) throw error;
      if (data !== undefined) setFound({ asked, simulation: data.simulate });
      return undefined;
    });
  const submit = (asked: Asked) => {
    const { agent, method, url } = asked;
    setParameters({ agent, method, url: shownUrl(url) }, { replace: true });
    simulate(asked);
  };
  useEffect(() => {
    // Whoever comes by a link has asked already.
    if (given.agent !== '' && given.url !== '') simulate(given);
  }, []);
  return (
    <div className="stack">
      <div>
        <h1>Simulator</h1>
        <p className="lead">What would be decided of a request, and by which rule. Nothing is sent.</p>
      </div>
      <section className="panel">
        <SimulatorForm given={given} isBusy={task.isBusy} submit={submit} />
      </section>
      <div role="status" className="stack">
        {task.problem !== undefined ? (
          <Problem>{task.problem}</Problem>
        ) : (
          found !== undefined && <Outcome asked={found.asked} simulation={found.simulation} />
        )}
      </div>
    </div>
  );
}
