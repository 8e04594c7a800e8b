import { Anchor, Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link } from 'react-router';
import { useWrite } from '../../api/use-write.ts';
import { UpsertAgentDocument } from '../../gql/graphql.ts';
import { Problem } from '../../ui/problem.tsx';
import { useTask } from '../../ui/use-task.ts';
import { AgentToken } from './agent-token.tsx';

/** Makes an agent with a token. One of this name that is there already stays as it is. */
export function NewAgentScreen() {
  const write = useWrite(UpsertAgentDocument);
  const task = useTask();
  const [fields, setFields] = useState({ name: '', labels: '' });
  const [made, setMade] = useState<{ readonly name: string; readonly token: string }>();
  const make = async (): Promise<string | undefined> => {
    const labels = parseLabels(fields.labels);
    if (labels === undefined) return 'Labels: expected key=value, with commas between them.';
    const name = fields.name.trim();
    const { payload, problem, code } = await write({ input: { name, labels }, ifRevision: 0 });
    if (code === 'CONFLICT') return `There is already an agent ${name}.`;
    if (payload.token !== null) setMade({ name, token: payload.token });
    return problem;
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    task.run(make);
  };
  return (
    <div className="narrow stack">
      <h1>{made === undefined ? 'New agent' : made.name}</h1>
      {made === undefined ? (
        <form onSubmit={onSubmit} className="panel stack" autoComplete="off">
          {task.problem !== undefined && <Problem>{task.problem}</Problem>}
          <TextInput
            label="Name"
            required
            autoFocus
            spellCheck={false}
            value={fields.name}
            onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
          />
          <TextInput
            label="Labels"
            description="Policies can select agents by them: team=finance, environment=staging"
            spellCheck={false}
            value={fields.labels}
            onChange={(event) => setFields({ ...fields, labels: event.currentTarget.value })}
          />
          <div className="actions">
            <Button type="submit" loading={task.isBusy}>
              Make the agent
            </Button>
          </div>
        </form>
      ) : (
        <div className="panel stack">
          <AgentToken {...made} />
          <Anchor component={Link} to={`/agents/${encodeURIComponent(made.name)}`}>
            Go to the agent
          </Anchor>
        </div>
      )}
    </div>
  );
}

function parseLabels(text: string): { key: string; value: string }[] | undefined {
  const parts = text.split(',').flatMap((part) => part.trim() || []);
  const labels = parts.map((part) => /^([^=]+)=(.*)$/.exec(part));
  if (labels.includes(null)) return undefined;
  return labels.map((match) => ({ key: match?.[1]?.trim() ?? '', value: match?.[2]?.trim() ?? '' }));
}
