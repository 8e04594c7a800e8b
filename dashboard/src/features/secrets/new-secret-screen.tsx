import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { UpsertSecretDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { emptySecret, noValue, secretInput, valueInput } from './secret-fields.ts';
import { SecretForm } from './secret-form.tsx';
import { ValueChoice } from './value-choice.tsx';

/** Makes a secret. One of this name that is there already stays as it is. */
export function NewSecretScreen() {
  const write = useWrite(UpsertSecretDocument);
  const navigate = useNavigate();
  const [given, setName] = useState('');
  const value = useFields(noValue);
  const form = useFields(emptySecret);
  const submit = async () => {
    const name = given.trim();
    const input = { name, ...valueInput(value.fields), ...secretInput(form.fields) };
    const { problem, code } = await write({ input, ifRevision: 0 });
    if (code === 'CONFLICT') return `There is already a secret ${name}. Give it a new version instead.`;
    if (problem !== undefined) return problem;
    value.set(noValue);
    await navigate(`/secrets/${encodeURIComponent(name)}`);
    return undefined;
  };
  return (
    <div className="narrow stack">
      <h1>New secret</h1>
      <FormPanel submitLabel="Make the secret" submit={submit} refused={useRefusal('secret:create')}>
        <TextInput
          label="Name"
          description="Environment and name, like prod/openai"
          required
          autoFocus
          spellCheck={false}
          value={given}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <ValueChoice fields={value.fields} change={value.set} />
        <SecretForm form={form} />
      </FormPanel>
    </div>
  );
}
