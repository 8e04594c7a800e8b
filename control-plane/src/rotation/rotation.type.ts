import 'reflect-metadata';
import { GraphQLJSON } from 'graphql-scalars';
import { Field, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';
import { WritePayload } from '../api/write-payload.ts';
import { runOutcomes, runSteps } from './rotation.entity.ts';

const stepEnum = Object.fromEntries(runSteps.map((step) => [step, step]));
const outcomeEnum = Object.fromEntries(runOutcomes.map((outcome) => [outcome, outcome]));
registerEnumType(stepEnum, {
  name: 'RotationStep',
  description: 'Where a run of a rotation stands (docs/rotation.md).',
});
registerEnumType(outcomeEnum, { name: 'RotationOutcome', description: 'How a run of a rotation ended.' });

@ObjectType({ description: 'How a secret is rotated. Its texts name secrets, and hold none.' })
export class Rotation {
  @Field(() => String)
  secret: string;

  @Field(() => GraphQLJSON, { description: 'As it was set, with its defaults (docs/rotation.md).' })
  recipe: unknown;

  @Field(() => String, { nullable: true, description: 'Cron text of five fields.' })
  schedule: string | null;

  @Field(() => String)
  zone: string;

  @Field(() => Boolean)
  isEnabled: boolean;

  @Field(() => GraphQLISODateTime, { nullable: true })
  nextRunAt: Date | null;

  @Field(() => Int, { description: 'The revision that last set it.' })
  revision: number;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}

export const RotationConnection = connectionType(Rotation, 'Rotation');

@ObjectType()
export class RotationPayload extends WritePayload {
  @Field(() => Rotation, { nullable: true })
  object: Rotation | null;
}

@ObjectType({ description: 'One time that a secret is rotated.' })
export class RotationRun {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  secret: string;

  @Field(() => stepEnum)
  step: string;

  @Field(() => outcomeEnum, { nullable: true, description: 'Null while it is under way.' })
  outcome: string | null;

  @Field(() => String, { nullable: true })
  problem: string | null;

  @Field(() => String, { description: '`asked` or `schedule`.' })
  cause: string;

  @Field(() => Int)
  oldVersion: number;

  @Field(() => Int, { nullable: true })
  newVersion: number | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  watchUntil: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  graceUntil: Date | null;

  @Field(() => GraphQLISODateTime)
  startedAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  finishedAt: Date | null;
}

@ObjectType()
export class RotationRunPayload extends WritePayload {
  @Field(() => RotationRun, { nullable: true })
  object: RotationRun | null;
}
