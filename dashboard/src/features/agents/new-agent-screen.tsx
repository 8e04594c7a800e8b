import { Anchor, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { UpsertAgentDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { AgentForm } from './agent-form.tsx';
import { AgentToken } from './agent-token.tsx';
import { type AgentFields, agentInput, emptyIdentity } from './identity-fields.ts';

const emptyAgent: AgentFields = { labels: '', identities: [emptyIdentity] };

/** Makes an agent. One of this name that is there already stays as it is. */
export function NewAgentScreen() {
  const write = useWrite(UpsertAgentDocument);
  const navigate = useNavigate();
  const [given, setName] = useState('');
  const form = useFields(emptyAgent);
  const [made, setMade] = useState<{ readonly name: string; readonly token: string }>();
  const submit = async () => {
    const name = given.trim();
    const input = agentInput(form.fields);
    if (typeof input === 'string') return input;
    const { payload, problem, code } = await write({ input: { ...input, name }, ifRevision: 0 });
    if (code === 'CONFLICT') return `There is already an agent ${name}.`;
    if (problem !== undefined) return problem;
    if (payload.token !== null) setMade({ name, token: payload.token });
    else await navigate(`/agents/${encodeURIComponent(name)}`);
    return undefined;
  };
  const refused = useRefusal('agent:create');
  if (made !== undefined)
    return (
      <div className="narrow stack">
        <h1>{made.name}</h1>
        <div className="panel stack">
          <AgentToken {...made} />
          <Anchor component={Link} to={`/agents/${encodeURIComponent(made.name)}`}>
            Go to the agent
          </Anchor>
        </div>
      </div>
    );
  return (
    <div className="narrow stack">
      <h1>New agent</h1>
      <FormPanel submitLabel="Make the agent" submit={submit} refused={refused}>
        <TextInput
          label="Name"
          required
          autoFocus
          spellCheck={false}
          value={given}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <AgentForm form={form} />
      </FormPanel>
    </div>
  );
}
