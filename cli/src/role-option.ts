import { InvalidArgumentError } from 'commander';

/** A role, and the environments in which it holds. */
export interface RoleAssignment {
  readonly role: string;
  readonly environments: readonly string[];
}

/** Gathers `--role admin`, `--role operator@staging,dev`; repeatable. Without environments it holds in every one. */
export function collectRole(text: string, before: readonly RoleAssignment[] = []): RoleAssignment[] {
  const [role = '', places, ...rest] = text.split('@');
  const environments = places === undefined ? ['*'] : places.split(',').map((place) => place.trim());
  if (role === '' || rest.length > 0 || environments.includes(''))
    throw new InvalidArgumentError('expected role, or role@environment,environment: operator@staging.');
  return [...before, { role, environments }];
}

/** Roles as a person writes them. */
export function formatRoles(roles: readonly RoleAssignment[]): string {
  return roles
    .map(({ role, environments }) => (environments.includes('*') ? role : `${role}@${environments.join(',')}`))
    .join(' ');
}
