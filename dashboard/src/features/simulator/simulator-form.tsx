import { useQuery } from '@apollo/client/react';
import { Autocomplete, Button, NativeSelect, TextInput, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { AgentsDocument } from '../../gql/graphql.ts';

/** A request that is to be decided. */
export interface Asked {
  readonly agent: string;
  readonly method: string;
  readonly url: string;
  /** One in each line. */
  readonly headers: string;
}

interface SimulatorFormProps {
  readonly given: Asked;
  readonly isBusy: boolean;
  readonly submit: (asked: Asked) => void;
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT'];
const mostSuggested = 20;

export function SimulatorForm({ given, isBusy, submit }: SimulatorFormProps) {
  const [fields, setFields] = useState(given);
  const set = (change: Partial<Asked>) => setFields((before) => ({ ...before, ...change }));
  const filter = fields.agent === '' ? null : { namePrefix: fields.agent };
  const { data, previousData } = useQuery(AgentsDocument, { variables: { first: mostSuggested, filter } });
  const names = ((data ?? previousData)?.agents?.nodes ?? []).flatMap(({ name }) => name ?? []);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    submit({ ...fields, agent: fields.agent.trim(), url: withScheme(fields.url.trim()) });
  };
  return (
    <form onSubmit={onSubmit} className="stack" autoComplete="off">
      <div className="request-fields">
        <Autocomplete
          label="Agent"
          required
          spellCheck={false}
          data={names}
          value={fields.agent}
          onChange={(agent) => set({ agent })}
          comboboxProps={{ withinPortal: false }}
        />
        <NativeSelect
          label="Method"
          data={methods}
          value={fields.method}
          onChange={(event) => set({ method: event.currentTarget.value })}
        />
        <TextInput
          label="URL"
          required
          spellCheck={false}
          placeholder="https://api.openai.com/v1/models"
          value={fields.url}
          onChange={(event) => set({ url: event.currentTarget.value })}
        />
      </div>
      <Textarea
        label="Headers"
        description="One in each line, with placeholders as the agent would send them. Put no real key here"
        placeholder="Authorization: Bearer onecli://prod/openai"
        classNames={{ input: 'mono' }}
        autosize
        minRows={2}
        maxRows={10}
        spellCheck={false}
        value={fields.headers}
        onChange={(event) => set({ headers: event.currentTarget.value })}
      />
      <div className="actions">
        <Button type="submit" loading={isBusy}>
          Decide
        </Button>
      </div>
    </form>
  );
}

/** As a browser takes it: without a scheme it is https. */
function withScheme(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`;
}
