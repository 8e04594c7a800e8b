import 'reflect-metadata';
import { Field, GraphQLISODateTime, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';

@ObjectType({ description: 'A proxy process, as it last reported itself.' })
export class Worker {
  @Field(() => String)
  name: string;

  @Field(() => String)
  bootId: string;

  @Field(() => String)
  version: string;

  @Field(() => Int)
  appliedRevision: number;

  @Field(() => GraphQLISODateTime)
  startedAt: Date;

  @Field(() => GraphQLISODateTime)
  seenAt: Date;

  @Field(() => Boolean, { description: 'It reported within the last ten seconds.' })
  isLive: boolean;
}

export const WorkerConnection = connectionType(Worker, 'Worker');
