import 'reflect-metadata';
import { Field, GraphQLISODateTime, Int, ObjectType, registerEnumType } from 'type-graphql';
import { impactOutcomes } from './policy-impact.ts';

const ImpactOutcome = Object.fromEntries(impactOutcomes.map((outcome) => [outcome, outcome]));
registerEnumType(ImpactOutcome, {
  name: 'ImpactOutcome',
  description: 'What policy says of a request, and of the secrets that it used.',
});

@ObjectType()
export class Judgement {
  @Field(() => ImpactOutcome)
  outcome: string;

  @Field(() => String, { nullable: true, description: 'The rule that decides; null when no rule covers it.' })
  rule: string | null;
}

@ObjectType({ description: 'Requests of one agent to one place that would come to something else.' })
export class ImpactedRequests {
  @Field(() => String)
  agent: string;

  @Field(() => String)
  host: string;

  @Field(() => Int)
  port: number;

  @Field(() => String)
  method: string;

  @Field(() => String)
  path: string;

  @Field(() => Judgement, { description: 'By the policies of now.' })
  before: Judgement;

  @Field(() => Judgement)
  after: Judgement;

  @Field(() => Int)
  requests: number;

  @Field(() => String, { description: 'The cursor of the last of them.' })
  last: string;
}

@ObjectType({ description: 'What a policy would do to the requests of the last hours.' })
export class PolicyImpact {
  @Field(() => Int, { description: 'How many requests were looked at, the newest first: at most 20,000.' })
  examined: number;

  @Field(() => Boolean, { description: 'Every request since then was looked at.' })
  isComplete: boolean;

  @Field(() => GraphQLISODateTime)
  since: Date;

  @Field(() => Int, { description: 'How many of them would come to something else.' })
  changed: number;

  @Field(() => [ImpactedRequests], { description: 'At most 200, those with the most requests first.' })
  changes: readonly ImpactedRequests[];
}
