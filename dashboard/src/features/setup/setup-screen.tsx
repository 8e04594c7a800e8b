import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { useMay } from '../../api/use-may.ts';
import { apiUrl, proxyUrl } from '../../app/page-facts.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { problemText } from '../../ui/problem.tsx';
import { type Setup, makeSetup } from './make-setup.ts';
import type { Service } from './services.ts';
import { setupActions } from './setup-actions.ts';
import { SetupForm } from './setup-form.tsx';
import { WaitForRequest } from './wait-for-request.tsx';

interface MadeSetup {
  readonly service: Service;
  readonly host: string;
  readonly secret: string;
  readonly agent: string;
  readonly token: string;
}

/** From nothing to an agent's first request. */
export function SetupScreen() {
  const client = useApolloClient();
  const may = useMay();
  const [made, setMade] = useState<MadeSetup>();
  const make = async (setup: Setup, service: Service): Promise<string | undefined> => {
    try {
      const result = await makeSetup(client, setup);
      if (result.kind === 'refused') return result.problem;
      const { host, secret, agent } = setup;
      setMade({ service, host, secret, agent, token: result.token });
      return undefined;
    } catch (error) {
      return problemText(error);
    }
  };
  if (made === undefined && !setupActions.every(may))
    return (
      <EmptyState isScreen title="Your roles do not let you set up an agent">
        It makes a secret, an agent and a policy. Ask an owner or admin.
      </EmptyState>
    );
  return (
    <div className="narrow stack">
      <div>
        <h1>{made === undefined ? 'Set up a first agent' : 'Send its first request'}</h1>
        <p className="lead">
          {made === undefined
            ? 'The agent will hold a placeholder. OneCLI puts the key in on the way out, to this host alone.'
            : 'Run one of these in a terminal, in the folder of OneCLI. The token in it is shown this once.'}
        </p>
      </div>
      {made === undefined ? (
        <SetupForm make={make} />
      ) : (
        <WaitForRequest {...made} proxyUrl={proxyUrl} apiUrl={apiUrl} />
      )}
    </div>
  );
}
