import type { Role, RoleAssignmentInput } from '../../gql/graphql.ts';
import { listOf } from '../../ui/text-list.ts';

export const roleNames: readonly { readonly role: Role; readonly label: string; readonly what: string }[] = [
  { role: 'OWNER', label: 'Owner', what: 'everything, and making other owners' },
  { role: 'ADMIN', label: 'Admin', what: 'everything but touching owners' },
  { role: 'OPERATOR', label: 'Operator', what: 'reads all; changes and rotates secrets and agents; decides approvals' },
  { role: 'AUDITOR', label: 'Auditor', what: 'reads all, and changes nothing' },
  { role: 'AGENT_MANAGER', label: 'Agent manager', what: 'agents alone' },
];

/** For each role that is chosen, the environments as they are typed. */
export type RoleTexts = Readonly<Partial<Record<Role, string>>>;

interface Assignment {
  readonly role: Role;
  readonly environments: readonly string[];
}

export function roleTexts(roles: readonly Assignment[]): RoleTexts {
  return Object.fromEntries(roles.map(({ role, environments }) => [role, environments.join(', ')]));
}

export function roleInput(texts: RoleTexts): RoleAssignmentInput[] {
  return Object.entries(texts).map(([role, text]) => ({ role: role as Role, environments: listOf(text) }));
}

/** Roles and where they hold, in a few words. */
export function rolesText(roles: readonly Assignment[]): string {
  const label = (role: Role) => roleNames.find((each) => each.role === role)?.label ?? role;
  return roles
    .map(({ role, environments }) =>
      environments.includes('*') ? label(role) : `${label(role)} of ${environments.join(', ')}`,
    )
    .join('; ');
}
