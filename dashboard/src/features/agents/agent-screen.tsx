import { useMutation, useQuery } from '@apollo/client/react';
import { Anchor, Loader } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import {
  type AgentRowFragment,
  AgentDocument,
  DeleteAgentDocument,
  RotateAgentDocument,
  UpsertAgentDocument,
} from '../../gql/graphql.ts';
import { Command } from '../../ui/command.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Problem, problemText, writeErrorText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { AgentState, identityText, labelsText } from './agent-list-screen.tsx';
import { AgentReach } from './agent-reach.tsx';
import { AgentToken } from './agent-token.tsx';

/** One agent: who it is, what it may reach, and how to start it. */
export function AgentScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(AgentDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const [token, setToken] = useState<string>();
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  if (data === undefined) return <Loader size="sm" aria-label="Loading" />;
  if (data.agent === null)
    return (
      <EmptyState isScreen title={`There is no agent ${name}`}>
        It may have been deleted.
      </EmptyState>
    );
  const { agent } = data;
  const reread = async () => void (await refetch());
  return (
    <div className="stack">
      <div className="head">
        <h1>{name}</h1>
        <AgentState agent={agent} />
        <Rotate name={name} done={setToken} />
        <Disable agent={agent} done={reread} />
        <Delete name={name} />
      </div>
      {token !== undefined && (
        <section className="panel">
          <AgentToken name={name} token={token} />
        </section>
      )}
      <div className="columns">
        <Identity agent={agent} />
        <section className="panel stack">
          <h2>Start it</h2>
          <Command label="Command to start the agent" text={`npx onecli run --agent ${name} -- claude`} />
          <p className="lead">
            Where its token is not known, set <code>ONECLI_AGENT_TOKEN</code>.{' '}
            <Anchor component={Link} to={`/activity?agent=${encodeURIComponent(name)}`} inherit>
              What it did
            </Anchor>
          </p>
        </section>
      </div>
      <AgentReach agent={agent} />
    </div>
  );
}

function Identity({ agent }: { readonly agent: AgentRowFragment }) {
  const tokens = agent.tokens.map(({ prefix, createdAt }) => (
    <div key={prefix}>
      <code>{prefix}…</code> of <TimeText at={createdAt} />
    </div>
  ));
  return (
    <section className="panel">
      <h2>Agent</h2>
      <Facts
        facts={[
          ['Recognised by', agent.identities.map(identityText).join('; ') || 'nothing'],
          ['Tokens', tokens.length === 0 ? 'none' : tokens],
          ['Labels', labelsText(agent) || 'none'],
          ['Managed by', agent.managedBy ?? 'hand'],
          ['Made', <TimeText key="made" at={agent.createdAt} />],
        ]}
      />
    </section>
  );
}

function Rotate({ name, done }: { readonly name: string; readonly done: (token: string) => void }) {
  const [rotate] = useMutation(RotateAgentDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const act = async () => {
    const { data } = await rotate();
    const { errors = [], token } = data?.rotateAgent ?? {};
    if (errors.length > 0) return writeErrorText(errors);
    if (token != null) done(token);
    return undefined;
  };
  return (
    <Confirm label="New token" title={`New token for ${name}?`} act={act}>
      Its tokens before it are dead from the next request on.
    </Confirm>
  );
}

function Disable({ agent, done }: { readonly agent: AgentRowFragment; readonly done: () => Promise<void> }) {
  const [write] = useMutation(UpsertAgentDocument, { fetchPolicy: 'no-cache' });
  const isDisabled = !agent.isDisabled;
  const act = async () => {
    const { data } = await write({ variables: { input: { name: agent.name, isDisabled } } });
    const errors = data?.upsertAgent.errors ?? [];
    if (errors.length > 0) return writeErrorText(errors);
    await done();
    return undefined;
  };
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${agent.name}?`}
      act={act}
    >
      {isDisabled
        ? 'From the next request on it is refused everywhere. It can be enabled again.'
        : 'Its requests are decided by policy again.'}
    </Confirm>
  );
}

function Delete({ name }: { readonly name: string }) {
  const [remove] = useMutation(DeleteAgentDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const navigate = useNavigate();
  const act = async () => {
    const { data } = await remove();
    const errors = data?.deleteAgent.errors ?? [];
    if (errors.length > 0) return writeErrorText(errors);
    await navigate('/agents');
    return undefined;
  };
  return (
    <Confirm label="Delete" title={`Delete ${name}?`} act={act} isDangerous>
      It is refused from the next request on, and its tokens are gone. What it did stays in the record.
    </Confirm>
  );
}
