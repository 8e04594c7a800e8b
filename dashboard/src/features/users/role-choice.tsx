import { Checkbox, TextInput } from '@mantine/core';
import type { Role } from '../../gql/graphql.ts';
import { type RoleTexts, roleNames } from './roles.ts';

interface RoleChoiceProps {
  readonly legend: string;
  readonly roles: RoleTexts;
  readonly choose: (roles: RoleTexts) => void;
}

/** Which roles somebody has, and in which environments each holds. */
export function RoleChoice({ legend, roles, choose }: RoleChoiceProps) {
  const toggle = (role: Role, isOn: boolean) => {
    const { [role]: _gone, ...others } = roles;
    choose(isOn ? { ...others, [role]: '*' } : others);
  };
  return (
    <fieldset className="parts">
      <legend>{legend}</legend>
      {roleNames.map(({ role, label, what }) => (
        <div key={role} className="role">
          <Checkbox
            label={label}
            description={what}
            checked={roles[role] !== undefined}
            onChange={(event) => toggle(role, event.currentTarget.checked)}
          />
          {roles[role] !== undefined && (
            <TextInput
              size="xs"
              label={`Environments of ${label}`}
              description="* for every one, or names like prod, staging"
              required
              spellCheck={false}
              value={roles[role]}
              onChange={(event) => choose({ ...roles, [role]: event.currentTarget.value })}
            />
          )}
        </div>
      ))}
    </fieldset>
  );
}
