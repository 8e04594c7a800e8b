import 'reflect-metadata';
import { Field, InputType, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';
import { RuleEffect } from './simulation.type.ts';

@ObjectType({ description: 'One rule, and whom it is for.' })
export class Reach {
  @Field(() => String, { description: '`policy/rules/index`.' })
  rule: string;

  @Field(() => RuleEffect)
  effect: RuleEffect;

  @Field(() => Boolean, { description: 'Its policy is in monitor mode.' })
  isMonitored: boolean;

  @Field(() => [String], { description: 'The first 20 agents that its policy selects now.' })
  agents: readonly string[];

  @Field(() => Int)
  agentCount: number;

  @Field(() => [String])
  hosts: readonly string[];

  @Field(() => [String], { description: 'None: every path.' })
  paths: readonly string[];

  @Field(() => [String], { description: 'None: every method.' })
  methods: readonly string[];

  @Field(() => [String], { description: 'The secrets that it grants.' })
  secrets: readonly string[];
}

export const ReachConnection = connectionType(Reach, 'Reach');

@InputType({ description: 'Rules to which all of it applies.' })
export class ReachFilter {
  @Field(() => String, { nullable: true, description: 'For this agent.' })
  agent?: string | null;

  @Field(() => String, { nullable: true, description: 'With a pattern that covers this host.' })
  host?: string | null;

  @Field(() => Int, { nullable: true, description: 'Of the host; 443 when absent.' })
  port?: number | null;

  @Field(() => String, { nullable: true, description: 'That grant this secret.' })
  secret?: string | null;
}
