import { useQuery } from '@apollo/client/react';
import { Anchor, Button } from '@mantine/core';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { type AgentRowFragment, AgentDocument } from '../../gql/graphql.ts';
import { Command } from '../../ui/command.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { Delete, Disable, Rotate } from './agent-acts.tsx';
import { AgentCertificate } from './agent-certificate.tsx';
import { AgentState, identityText, labelsText } from './agent-list-screen.tsx';
import { AgentReach } from './agent-reach.tsx';
import { AgentSettings } from './agent-settings.tsx';
import { AgentToken } from './agent-token.tsx';
import { LastSeen } from './last-seen.tsx';

/** One agent: who it is, what it may reach, and how to start it. */
export function AgentScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(AgentDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const reread = async () => void (await refetch());
  return (
    <DetailFrame noun="agent" name={name} error={error} found={data?.agent}>
      {(agent) => <AgentDetail agent={agent} reread={reread} />}
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
  const [isEditing, setEditing] = useState(false);
  const close = () => setEditing(false);
  return (
    <div className="stack">
      <div className="head">
        <h1>{name}</h1>
        <AgentState agent={agent} />
        <Rotate
          name={name}
          done={(made) => {
            // It is told once: it does not wait for what is read after it.
            setToken(made);
            void reread().catch(() => undefined);
          }}
        />
        {agent.identities.some(({ mtls }) => mtls !== null) && <AgentCertificate name={name} />}
        <Disable agent={agent} done={reread} />
        <Delete name={name} />
      </div>
      {token !== undefined && (
        <section className="panel">
          <AgentToken name={name} token={token} />
        </section>
      )}
      {isEditing ? (
        <AgentSettings agent={agent} reread={reread} close={close} gotToken={setToken} />
      ) : (
        <div className="columns">
          <Identity agent={agent} edit={() => setEditing(true)} />
          <Start name={name} />
        </div>
      )}
      <AgentReach name={name} />
    </div>
  );
}

function Start({ name }: { readonly name: string }) {
  return (
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
  );
}

function Identity({ agent, edit }: { readonly agent: AgentRowFragment; readonly edit: () => void }) {
  const tokens = agent.tokens.map(({ prefix, createdAt, expiresAt }) => (
    <div key={prefix}>
      <code>{prefix}…</code> of <TimeText at={createdAt} />
      {expiresAt !== null && (
        <>
          , until <TimeText at={expiresAt} />
        </>
      )}
    </div>
  ));
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>Agent</h2>
        <Button variant="default" size="compact-xs" onClick={edit}>
          Edit
        </Button>
      </div>
      <Facts
        facts={[
          ['Recognised by', agent.identities.map(identityText).join('; ') || 'nothing'],
          ['Tokens', tokens.length === 0 ? 'none' : tokens],
          ['Last seen', <LastSeen key="seen" name={agent.name} />],
          ['Labels', labelsText(agent) || 'none'],
          ['Managed by', agent.managedBy ?? 'hand'],
          ['Made', <TimeText key="made" at={agent.createdAt} />],
        ]}
      />
    </section>
  );
}
