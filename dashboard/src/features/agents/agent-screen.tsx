import { useQuery } from '@apollo/client/react';
import { Anchor } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import {
  type AgentRowFragment,
  AgentDocument,
  DeleteAgentDocument,
  RotateAgentDocument,
  UpsertAgentDocument,
} from '../../gql/graphql.ts';
import { Command } from '../../ui/command.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { AgentState, identityText, labelsText } from './agent-list-screen.tsx';
import { AgentReach } from './agent-reach.tsx';
import { AgentToken } from './agent-token.tsx';

/** One agent: who it is, what it may reach, and how to start it. */
export function AgentScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(AgentDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  return (
    <DetailFrame noun="agent" name={name} error={error} found={data?.agent}>
      {(agent) => <AgentDetail agent={agent} reread={async () => void (await refetch())} />}
    </DetailFrame>
  );
}

interface AgentDetailProps {
  readonly agent: AgentRowFragment;
  readonly reread: () => Promise<void>;
}

function AgentDetail({ agent, reread }: AgentDetailProps) {
  const { name } = agent;
  const [token, setToken] = useState<string>();
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
  const rotate = useWrite(RotateAgentDocument);
  const act = async () => {
    const { payload, problem } = await rotate({ name });
    if (payload.token !== null) done(payload.token);
    return problem;
  };
  return (
    <Confirm label="New token" title={`New token for ${name}?`} act={act} refused={useRefusal('agent:rotate')}>
      Its tokens before it are dead from the next request on.
    </Confirm>
  );
}

function Disable({ agent, done }: { readonly agent: AgentRowFragment; readonly done: () => Promise<void> }) {
  const write = useWrite(UpsertAgentDocument);
  const isDisabled = !agent.isDisabled;
  const act = async () => {
    const { problem } = await write({ input: { name: agent.name, isDisabled } });
    if (problem === undefined) await done();
    return problem;
  };
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${agent.name}?`}
      act={act}
      refused={useRefusal('agent:update')}
    >
      {isDisabled
        ? 'From the next request on it is refused everywhere. It can be enabled again.'
        : 'Its requests are decided by policy again.'}
    </Confirm>
  );
}

function Delete({ name }: { readonly name: string }) {
  const remove = useWrite(DeleteAgentDocument);
  const navigate = useNavigate();
  const act = async () => {
    const { problem } = await remove({ name });
    if (problem === undefined) await navigate('/agents');
    return problem;
  };
  return (
    <Confirm label="Delete" title={`Delete ${name}?`} act={act} isDangerous refused={useRefusal('agent:delete')}>
      It is refused from the next request on, and its tokens are gone. What it did stays in the record.
    </Confirm>
  );
}
