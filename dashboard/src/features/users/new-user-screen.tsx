import { Anchor, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { apiUrl } from '../../app/page-facts.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { InviteUserDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { PasswordLink, type PasswordLinkProps } from './password-link.tsx';
import { RoleChoice } from './role-choice.tsx';
import { type RoleTexts, roleInput } from './roles.ts';

const noRoles: RoleTexts = {};

/** Invites a user, who then sets a password himself. */
export function NewUserScreen() {
  const write = useWrite(InviteUserDocument);
  const refused = useRefusal('user:create');
  const { fields, set, text } = useFields({ name: '', roles: noRoles });
  const [made, setMade] = useState<Omit<PasswordLinkProps, 'pageUrl'>>();
  const submit = async () => {
    const name = fields.name.trim();
    const roles = roleInput(fields.roles);
    if (roles.length === 0) return 'Choose at least one role.';
    const { problem, payload } = await write({ input: { name, roles } });
    if (problem !== undefined) return problem;
    if (payload.token !== null) setMade({ name, token: payload.token, expiresAt: payload.expiresAt });
    return undefined;
  };
  if (made !== undefined)
    return (
      <div className="narrow stack">
        <h1>{made.name}</h1>
        <PasswordLink {...made} pageUrl={`${apiUrl}/welcome`} />
        <Anchor component={Link} to={`/users/${encodeURIComponent(made.name)}`}>
          Go to the user
        </Anchor>
      </div>
    );
  return (
    <div className="narrow stack">
      <h1>Invite a user</h1>
      <FormPanel submitLabel="Invite" submit={submit} refused={refused}>
        <TextInput
          label="Name"
          description="By which they sign in"
          required
          autoFocus
          spellCheck={false}
          {...text('name')}
        />
        <RoleChoice legend="Roles" roles={fields.roles} choose={(roles) => set({ roles })} />
      </FormPanel>
    </div>
  );
}
