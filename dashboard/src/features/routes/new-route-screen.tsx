import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { UpsertRouteDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { RouteForm } from './route-form.tsx';
import { emptyRoute, routeInput } from './route-fields.ts';

/** Makes a route. One of this name that is there already stays as it is. */
export function NewRouteScreen() {
  const write = useWrite(UpsertRouteDocument);
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const form = useFields(emptyRoute);
  const submit = async () => {
    const input = { ...routeInput(form.fields), name: name.trim() };
    const { problem, code } = await write({ input, ifRevision: 0 });
    if (code === 'CONFLICT') return `There is already a route ${input.name}. Choose another name.`;
    if (problem === undefined) await navigate('/routes');
    return problem;
  };
  return (
    <div className="narrow stack">
      <h1>New route</h1>
      <p className="lead">
        It puts a secret into the requests that it covers although the agent sent no placeholder. Policies still decide
        whether the request may go, and whether the agent may use the secret.
      </p>
      <FormPanel submitLabel="Make the route" submit={submit} refused={useRefusal('route:create')}>
        <TextInput
          label="Name"
          required
          autoFocus
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <RouteForm form={form} />
      </FormPanel>
    </div>
  );
}
