import { Anchor, Button, Checkbox, MultiSelect, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { useWrite } from '../../api/use-write.ts';
import { type Action, type NewApiKeyInput, CreateApiKeyDocument } from '../../gql/graphql.ts';
import { Command } from '../../ui/command.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { listOf } from '../../ui/text-list.ts';
import { useFields } from '../../ui/use-fields.ts';
import { RoleChoice } from '../users/role-choice.tsx';
import { type RoleTexts, roleInput } from '../users/roles.ts';
import { actionNames } from './action-names.ts';

interface KeyFields {
  readonly name: string;
  readonly days: string;
  readonly hasOwnRoles: boolean;
  readonly roles: RoleTexts;
  readonly actions: readonly string[];
  readonly environments: string;
}

const empty: KeyFields = { name: '', days: '90', hasOwnRoles: false, roles: {}, actions: [], environments: '' };

/** Makes a key for a program. It is shown once. */
export function NewApiKeyScreen() {
  const write = useWrite(CreateApiKeyDocument);
  const form = useFields(empty);
  const [made, setMade] = useState<{ readonly name: string; readonly token: string }>();
  const submit = async () => {
    const input = keyInput(form.fields);
    if (typeof input === 'string') return input;
    const { problem, payload } = await write({ input });
    if (payload.token !== null) setMade({ name: input.name, token: payload.token });
    return problem;
  };
  if (made !== undefined) return <MadeKey {...made} again={() => setMade(undefined)} />;
  const { fields, set, text, flag } = form;
  return (
    <div className="narrow stack">
      <h1>New API key</h1>
      <FormPanel submitLabel="Make the key" submit={submit}>
        <TextInput
          label="Name"
          description="What it is for, like deploy"
          required
          autoFocus
          spellCheck={false}
          {...text('name')}
        />
        <NativeSelect label="Expires" data={lifetimes} {...text('days')} />
        <TextInput
          label="Environments"
          description="In which alone it may do anything, like staging. Empty: wherever its roles hold"
          spellCheck={false}
          {...text('environments')}
        />
        <MultiSelect
          label="Actions"
          description="Of what its roles let it do, these alone. Empty: all of them"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Choose none' }}
          data={actionNames.map((value) => ({ value, label: labelOf(value) }))}
          value={[...fields.actions]}
          onChange={(actions) => set({ actions })}
        />
        <Checkbox
          label="Roles of its own"
          description="Without them it has those that you have at the time of each call; never more"
          {...flag('hasOwnRoles')}
        />
        {fields.hasOwnRoles && (
          <RoleChoice legend="Roles of the key" roles={fields.roles} choose={(roles) => set({ roles })} />
        )}
      </FormPanel>
    </div>
  );
}

const lifetimes = [
  { value: '7', label: 'in a week' },
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '365', label: 'in a year' },
  { value: 'never', label: 'never' },
];

/** `SECRET_READ` as `secret:read`. */
function labelOf(action: Action): string {
  const at = action.lastIndexOf('_');
  return action.startsWith('OWN_')
    ? `own:${action.slice(4).toLowerCase().replaceAll('_', '-')}`
    : `${action.slice(0, at).toLowerCase().replaceAll('_', '-')}:${action.slice(at + 1).toLowerCase()}`;
}

function keyInput({ name, days, hasOwnRoles, roles, actions, environments }: KeyFields): NewApiKeyInput | string {
  const own = roleInput(roles);
  if (hasOwnRoles && own.length === 0) return 'Choose at least one role for the key, or none of its own.';
  const places = listOf(environments);
  return {
    name: name.trim(),
    expiresInDays: days === 'never' ? null : Number(days),
    ...(hasOwnRoles && { roles: own }),
    ...(actions.length > 0 && { actions: actions as Action[] }),
    ...(places.length > 0 && { environments: places }),
  };
}

function MadeKey({
  name,
  token,
  again,
}: {
  readonly name: string;
  readonly token: string;
  readonly again: () => void;
}) {
  return (
    <div className="narrow stack">
      <h1>{name}</h1>
      <section className="panel stack">
        <div className="note good" role="status">
          <strong>The key {name}, shown this once.</strong> Only a keyed hash of it is kept.
        </div>
        <Command label="API key" text={token} />
        <Command
          label="Call with it"
          text={`curl -H "Authorization: Bearer ${token}" ${window.location.origin}/api/me`}
        />
        <div className="actions">
          <Anchor component={Link} to="/api-keys">
            To the API keys
          </Anchor>
          <Button variant="default" size="xs" onClick={again}>
            Another one
          </Button>
        </div>
      </section>
    </div>
  );
}
