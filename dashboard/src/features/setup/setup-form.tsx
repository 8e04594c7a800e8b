import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Problem } from '../../ui/problem.tsx';
import { SecretValueInput } from '../../ui/secret-value-input.tsx';
import type { Setup } from './make-setup.ts';
import { type Service, services } from './services.ts';

interface SetupFormProps {
  /** Gives what is wrong, or undefined. */
  readonly make: (setup: Setup, service: Service) => Promise<string | undefined>;
}

const [firstService] = services as [Service, ...Service[]];

/** A secret with its binding, an agent, and the rule between them. */
export function SetupForm({ make }: SetupFormProps) {
  const [service, setService] = useState(firstService);
  const [fields, setFields] = useState({ secret: service.secret, host: service.host, agent: 'my-agent' });
  const [value, setValue] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const set = (change: Partial<typeof fields>) => setFields((before) => ({ ...before, ...change }));
  const choose = (id: string) => {
    const chosen = services.find((one) => one.id === id) ?? firstService;
    setService(chosen);
    set({ secret: chosen.secret, host: chosen.host });
  };
  const submit = async () => {
    setBusy(true);
    setProblem(await make({ ...fields, value }, service));
    setBusy(false);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit();
  };
  return (
    <form onSubmit={onSubmit} className="panel stack" autoComplete="off">
      {problem !== undefined && <Problem>{problem}</Problem>}
      <NativeSelect
        label="Service"
        value={service.id}
        onChange={(event) => choose(event.currentTarget.value)}
        data={services.map(({ id, label }) => ({ value: id, label }))}
      />
      <SecretValueInput value={value} change={setValue} label="Its key" />
      <div className="columns">
        <Text
          label="Secret"
          description="Environment and name"
          value={fields.secret}
          change={(secret) => set({ secret })}
        />
        <Text label="Host" description="Only there is it used" value={fields.host} change={(host) => set({ host })} />
      </div>
      <Text
        label="Agent"
        description="Who may use it: one rule allows this agent that host, with this secret"
        value={fields.agent}
        change={(agent) => set({ agent })}
      />
      <div className="actions">
        <Button type="submit" loading={isBusy}>
          Make all three
        </Button>
      </div>
    </form>
  );
}

interface TextProps {
  readonly label: string;
  readonly description: string;
  readonly value: string;
  readonly change: (value: string) => void;
}

function Text({ label, description, value, change }: TextProps) {
  return (
    <TextInput
      label={label}
      description={description}
      required
      spellCheck={false}
      value={value}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
