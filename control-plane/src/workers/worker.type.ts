import 'reflect-metadata';
import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';

@ObjectType({ description: 'How much a worker had to do when it last reported: averages of the seconds before.' })
export class WorkerLoad {
  @Field(() => Int, { description: 'Open connections of agents.' })
  connections: number;

  @Field(() => Float)
  requestsPerSecond: number;

  @Field(() => Float, { description: 'Of one core: 1 is a core that did nothing else.' })
  cpuShare: number;

  @Field(() => Float, { description: 'Resident.' })
  memoryBytes: number;

  @Field(() => Float, { nullable: true, description: 'What its audit spool holds that is not written yet.' })
  spoolBytes: number | null;
}

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

  @Field(() => WorkerLoad, { nullable: true, description: 'Null: of a release that does not tell.' })
  load: WorkerLoad | null;
}

export const WorkerConnection = connectionType(Worker, 'Worker');

export enum ChangeOperation {
  UPSERT = 'upsert',
  REMOVE = 'remove',
}
registerEnumType(ChangeOperation, { name: 'ChangeOperation' });

@ObjectType({ description: 'An object that a revision changed.' })
export class RevisionChange {
  @Field(() => String, {
    description: '`secret`, `agent`, `policy`, `route`, `authority`, `user`, `api-key`, `rotation`.',
  })
  kind: string;

  @Field(() => ID)
  id: string;

  @Field(() => ChangeOperation)
  operation: ChangeOperation;
}

@ObjectType({ description: 'One committed change of the configuration.' })
export class Revision {
  @Field(() => Int)
  revision: number;

  @Field(() => String, { description: 'Who made it: `user:admin`.' })
  principal: string;

  @Field(() => GraphQLISODateTime)
  at: Date;

  @Field(() => [RevisionChange], { description: 'At most 1000 of them.' })
  changes: RevisionChange[];
}
