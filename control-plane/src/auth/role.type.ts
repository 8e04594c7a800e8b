import 'reflect-metadata';
import { Field, InputType, ObjectType, registerEnumType } from 'type-graphql';
import { type Action, actions } from './actions.ts';
import type { Assignment } from './principal.ts';

export enum Role {
  OWNER = 'owner',
  ADMIN = 'admin',
  OPERATOR = 'operator',
  AUDITOR = 'auditor',
  AGENT_MANAGER = 'agent-manager',
}
registerEnumType(Role, { name: 'Role', description: 'A set of actions.' });

@ObjectType({ description: 'A role, and where it holds.' })
export class RoleAssignment {
  @Field(() => Role)
  role: Role;

  @Field(() => [String], { description: 'Names of environments, or `*` alone for every one.' })
  environments: string[];
}

@InputType()
export class RoleAssignmentInput {
  @Field(() => Role)
  role: Role;

  @Field(() => [String], { description: 'Names of environments, or `*` for every one.' })
  environments: string[];
}

/** `secret:read` is `SECRET_READ` in GraphQL. */
function enumNameOf(action: Action): string {
  return action.toUpperCase().replaceAll(/[:-]/g, '_');
}

/** Every action, by its name in GraphQL. */
export const ActionEnum = Object.fromEntries(actions.map((action) => [enumNameOf(action), action]));
registerEnumType(ActionEnum, { name: 'Action', description: 'Something that a principal may do, or may not.' });

/** Roles as GraphQL gives them. */
export function showRoles(assignments: readonly Assignment[]): RoleAssignment[] {
  return assignments.map(({ role, environments }) => ({ role: role as Role, environments: [...environments] }));
}
