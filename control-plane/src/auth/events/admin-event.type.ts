import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../api/connection.ts';

export enum Outcome {
  DONE = 'done',
  REFUSED = 'refused',
}
registerEnumType(Outcome, { name: 'Outcome', description: 'How a try ended.' });

@ObjectType({ description: 'What a principal did, or was refused. It has no field that could hold a credential.' })
export class AdminEvent {
  @Field(() => ID)
  id: string;

  @Field(() => GraphQLISODateTime)
  time: Date;

  @Field(() => String, {
    description: '`user:alice`, `key:deploy`, `local:local`, `system:onecli`, `instance`, or `nobody`.',
  })
  principal: string;

  @Field(() => String, { nullable: true, description: 'Whose key it was.' })
  owner: string | null;

  @Field(() => String)
  action: string;

  @Field(() => String)
  objectKind: string;

  @Field(() => String)
  objectName: string;

  @Field(() => Outcome)
  outcome: Outcome;

  @Field(() => String, { nullable: true, description: 'The code of the refusal.' })
  reason: string | null;

  @Field(() => String, { nullable: true })
  address: string | null;

  @Field(() => String, { nullable: true, description: 'The X-Request-Id of the call.' })
  requestId: string | null;

  @Field(() => Int, { description: 'The revision that has the change, or that was in force.' })
  revision: number;

  @Field(() => String, {
    description: 'JSON: the fields that changed, and before and after of those that may be shown.',
  })
  detail: string;
}

export const AdminEventConnection = connectionType(AdminEvent, 'AdminEvent');

@InputType({ description: 'Which events: those to which all of it applies.' })
export class AdminEventFilterInput {
  @Field(() => String, { nullable: true, description: 'Whose; a user’s keys are found by him too.' })
  principal?: string | null;

  @Field(() => String, { nullable: true })
  action?: string | null;

  @Field(() => String, { nullable: true, description: 'Of the object: `secret`, `agent`, `user`, …' })
  kind?: string | null;

  @Field(() => String, { nullable: true, description: 'The object’s name.' })
  object?: string | null;

  @Field(() => Outcome, { nullable: true })
  outcome?: Outcome | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'From this moment on, it included.' })
  since?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'Until this moment, it excluded.' })
  until?: Date | null;
}
