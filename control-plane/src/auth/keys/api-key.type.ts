import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../../api/connection.ts';
import { WritePayload } from '../../api/write-payload.ts';
import { ActionEnum, RoleAssignment, RoleAssignmentInput } from '../role.type.ts';

@ObjectType({ description: 'A key for programs. It can never do more than its owner could now.' })
export class ApiKey {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true, description: 'Null: made by the command line of the gateway’s machine.' })
  owner: string | null;

  @Field(() => String, { description: 'Its first characters.' })
  prefix: string;

  @Field(() => [RoleAssignment], { nullable: true, description: 'Null: those that its owner has.' })
  roles: RoleAssignment[] | null;

  @Field(() => [String], { nullable: true, description: 'Null: all that its roles let it do.' })
  actions: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Null: all in which its roles hold.' })
  environments: string[] | null;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  expiresAt: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When it was last used, to within five minutes.' })
  usedAt: Date | null;

  @Field(() => Boolean, { description: 'It came back by a restore: it lets nobody in until that is confirmed.' })
  isHeld: boolean;

  @Field(() => Int, { description: 'The revision that made it.' })
  revision: number;
}

export const ApiKeyConnection = connectionType(ApiKey, 'ApiKey');

@InputType({ description: 'What is absent limits the key no further than its owner is.' })
export class NewApiKeyInput {
  @Field(() => String)
  name: string;

  @Field(() => [RoleAssignmentInput], { nullable: true, description: 'Absent: those that its owner has at each call.' })
  roles?: RoleAssignmentInput[] | null;

  @Field(() => [ActionEnum], { nullable: true, description: 'Of what its roles let it do, these actions alone.' })
  actions?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'In these environments alone.' })
  environments?: string[] | null;

  @Field(() => Int, { nullable: true, description: '1 to 3650; absent: 90; null: it never expires.' })
  expiresInDays?: number | null;
}

@ObjectType()
export class ApiKeyPayload extends WritePayload {
  @Field(() => ApiKey, { nullable: true })
  object: ApiKey | null;

  @Field(() => String, { nullable: true, description: 'The key itself. It is told this once and kept nowhere.' })
  token: string | null;
}
