import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../api/connection.ts';
import { WritePayload } from '../../api/write-payload.ts';
import { RoleAssignment, RoleAssignmentInput } from '../role.type.ts';

export enum UserState {
  ACTIVE = 'active',
  INVITED = 'invited',
  DISABLED = 'disabled',
}
registerEnumType(UserState, { name: 'UserState', description: 'INVITED: has no password yet, or it was reset.' });

@ObjectType({ description: 'A person who may call the API.' })
export class User {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => [RoleAssignment])
  roles: RoleAssignment[];

  @Field(() => UserState)
  state: UserState;

  @Field(() => Boolean, { description: 'It came back by a restore: it lets nobody in until that is confirmed.' })
  isHeld: boolean;

  @Field(() => GraphQLISODateTime, { nullable: true })
  signedInAt: Date | null;

  @Field(() => Int, { description: 'The revision that last wrote it.' })
  revision: number;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}

export const UserConnection = connectionType(User, 'User');

@ObjectType({ description: 'Who calls.' })
export class Caller {
  @Field(() => String, { description: '`user`, `key` or `local`.' })
  kind: string;

  @Field(() => String)
  name: string;

  @Field(() => [RoleAssignment])
  roles: RoleAssignment[];

  @Field(() => String, { nullable: true, description: 'Of a key: the user whose key it is.' })
  owner: string | null;

  @Field(() => [String], { description: 'What the caller may do in every environment.' })
  actions: string[];

  @Field(() => [String], { description: 'What the caller may do in one environment at least.' })
  actionsSomewhere: string[];
}

@InputType()
export class InvitationInput {
  @Field(() => String)
  name: string;

  @Field(() => [RoleAssignmentInput])
  roles: RoleAssignmentInput[];
}

@InputType({ description: 'What is absent stays as it is.' })
export class UserUpdateInput {
  @Field(() => [RoleAssignmentInput], { nullable: true })
  roles?: RoleAssignmentInput[];

  @Field(() => Boolean, { nullable: true })
  isDisabled?: boolean;
}

@ObjectType()
export class UserPayload extends WritePayload {
  @Field(() => User, { nullable: true })
  object: User | null;
}

@ObjectType()
export class UserLinkPayload extends UserPayload {
  @Field(() => String, {
    nullable: true,
    description: 'By it the user sets a password, once: POST /api/password. It is told this once and kept nowhere.',
  })
  token: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When the token is over.' })
  expiresAt: Date | null;
}
