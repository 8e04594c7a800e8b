import 'reflect-metadata';
import { Field, Float, GraphQLISODateTime, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum TrafficBy {
  AGENT = 'agent',
  HOST = 'host',
}
registerEnumType(TrafficBy, { name: 'TrafficBy' });

const ofAllowed = 'Of those that were let through, in milliseconds, to within 6 %. Null of none.';

@ObjectType()
abstract class TrafficCounts {
  @Field(() => Int)
  requests: number;

  @Field(() => Int)
  denials: number;

  @Field(() => Int, {
    description: 'Let through, and the upstream failed (5xx) or the connection ended before an answer.',
  })
  failures: number;

  @Field(() => Float, { nullable: true, description: ofAllowed })
  latencyP50: number | null;

  @Field(() => Float, { nullable: true })
  latencyP95: number | null;

  @Field(() => Float, { nullable: true })
  latencyP99: number | null;
}

@ObjectType({ description: 'The requests of one step.' })
export class TrafficSlot extends TrafficCounts {
  @Field(() => GraphQLISODateTime, { description: 'When the step begins.' })
  at: Date;
}

@ObjectType({ description: 'Requests over time, in at most 120 steps.' })
export class Traffic {
  @Field(() => Int)
  stepSeconds: number;

  @Field(() => [TrafficSlot], { description: 'Every step, those without requests too.' })
  slots: readonly TrafficSlot[];
}

@ObjectType({ description: 'The requests of an agent, or to a host.' })
export class NamedTraffic extends TrafficCounts {
  @Field(() => String)
  name: string;
}

@InputType({ description: 'Without times, the last day; at most 90 days.' })
export class TrafficFilterInput {
  @Field(() => String, { nullable: true })
  agent?: string | null;

  @Field(() => String, { nullable: true })
  host?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  since?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  until?: Date | null;
}

@ObjectType({ description: 'How many there are of each kind; null of what the caller may not list.' })
export class Overview {
  @Field(() => Int)
  revision: number;

  @Field(() => Int, { nullable: true })
  secrets: number | null;

  @Field(() => Int, { nullable: true })
  disabledSecrets: number | null;

  @Field(() => Int, { nullable: true, description: 'Within 14 days, or already.' })
  expiringSecrets: number | null;

  @Field(() => Int, { nullable: true })
  agents: number | null;

  @Field(() => Int, { nullable: true })
  disabledAgents: number | null;

  @Field(() => Int, { nullable: true })
  policies: number | null;

  @Field(() => Int, { nullable: true })
  routes: number | null;

  @Field(() => Int, { nullable: true })
  workers: number | null;

  @Field(() => Int, { nullable: true })
  liveWorkers: number | null;

  @Field(() => Int, { nullable: true, description: 'Live ones that have not applied the revision of now.' })
  workersBehind: number | null;
}
