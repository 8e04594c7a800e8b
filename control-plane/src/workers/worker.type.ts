import 'reflect-metadata';
import { Field, GraphQLISODateTime, Int, ObjectType } from 'type-graphql';

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

@ObjectType()
export class WorkerPage {
  @Field(() => [Worker])
  items: Worker[];

  @Field(() => String, { nullable: true })
  next: string | null;
}
