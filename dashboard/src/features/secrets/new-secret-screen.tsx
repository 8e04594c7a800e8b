import { Button, Checkbox, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';
import { useWrite } from '../../api/use-write.ts';
import { type Surface, UpsertSecretDocument } from '../../gql/graphql.ts';
import { Problem } from '../../ui/problem.tsx';
import { SecretValueInput } from '../../ui/secret-value-input.tsx';
import { useTask } from '../../ui/use-task.ts';
import { surfaces } from './surfaces.ts';

/** Makes a secret. One of this name that is there already stays as it is. */
export function NewSecretScreen() {
  const write = useWrite(UpsertSecretDocument);
  const navigate = useNavigate();
  const task = useTask();
  const [fields, setFields] = useState({ name: '', description: '', hosts: '' });
  const [value, setValue] = useState('');
  const [chosen, setChosen] = useState<string[]>(['HEADER', 'BASIC']);
  const set = (change: Partial<typeof fields>) => setFields((before) => ({ ...before, ...change }));
  const make = async (): Promise<string | undefined> => {
    const input = secretInput(fields, value, chosen);
    const { problem, code } = await write({ input, ifRevision: 0 });
    if (code === 'CONFLICT') return `There is already a secret ${input.name}. Give it a new version instead.`;
    if (problem !== undefined) return problem;
    setValue('');
    await navigate(`/secrets/${encodeURIComponent(input.name)}`);
    return undefined;
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    task.run(make);
  };
  return (
    <div className="narrow stack">
      <h1>New secret</h1>
      <form onSubmit={onSubmit} className="panel stack" autoComplete="off">
        {task.problem !== undefined && <Problem>{task.problem}</Problem>}
        <TextInput
          label="Name"
          description="Environment and name, like prod/openai"
          required
          autoFocus
          spellCheck={false}
          value={fields.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <SecretValueInput value={value} change={setValue} />
        <TextInput
          label="Hosts"
          description="Where it may be used, with commas between them. A secret without one is never used"
          spellCheck={false}
          value={fields.hosts}
          onChange={(event) => set({ hosts: event.currentTarget.value })}
        />
        <SurfaceChoice chosen={chosen} choose={setChosen} />
        <TextInput
          label="Description"
          value={fields.description}
          onChange={(event) => set({ description: event.currentTarget.value })}
        />
        <div className="actions">
          <Button type="submit" loading={task.isBusy}>
            Make the secret
          </Button>
        </div>
      </form>
    </div>
  );
}

interface SurfaceChoiceProps {
  readonly chosen: string[];
  readonly choose: (chosen: string[]) => void;
}

function SurfaceChoice({ chosen, choose }: SurfaceChoiceProps) {
  return (
    <Checkbox.Group
      label="Surfaces"
      description="Where in a request its placeholder is replaced"
      value={chosen}
      onChange={choose}
    >
      <div className="actions choices">
        {surfaces.map(({ id, label }) => (
          <Checkbox key={id} value={id} label={label} size="xs" />
        ))}
      </div>
    </Checkbox.Group>
  );
}

interface Fields {
  readonly name: string;
  readonly description: string;
  readonly hosts: string;
}

/** The secret that the form describes. */
function secretInput({ name, description, hosts: text }: Fields, value: string, chosen: readonly string[]) {
  const hosts = text.split(/[\s,]+/).filter(Boolean);
  const binding = hosts.length === 0 ? null : { hosts, surfaces: chosen as Surface[] };
  return { name: name.trim(), description, value, binding };
}
