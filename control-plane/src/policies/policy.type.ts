import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Label, LabelInput } from '../agents/label.type.ts';
import { ConfiguredObject } from '../configuration/configured-object.type.ts';
import { connectionType } from '../api/connection.ts';
import { WritePayload } from '../api/write-payload.ts';

export enum PolicyMode {
  ENFORCE = 'enforce',
  MONITOR = 'monitor',
}
registerEnumType(PolicyMode, {
  name: 'PolicyMode',
  description: 'Whether the policy is kept to, or only recorded: what it would deny passes.',
});

export enum WeekDay {
  MON = 'mon',
  TUE = 'tue',
  WED = 'wed',
  THU = 'thu',
  FRI = 'fri',
  SAT = 'sat',
  SUN = 'sun',
}
registerEnumType(WeekDay, { name: 'WeekDay' });

@ObjectType({
  description: 'A time of the week by the clock of a zone; one across midnight belongs to the day it begins on.',
})
export class TimeWindow {
  @Field(() => [WeekDay])
  days: WeekDay[];

  @Field(() => String, { description: '`HH:MM`, included.' })
  from: string;

  @Field(() => String, { description: '`HH:MM` up to `24:00`, not included.' })
  to: string;

  @Field(() => String, { description: 'Of the IANA time zone database, like `Europe/Berlin`.' })
  zone: string;
}

@ObjectType({
  description: 'Agents by name, where `*` stands for any characters, or all agents that carry each of the labels.',
})
export class AgentSelector {
  @Field(() => String, { nullable: true })
  name: string | null;

  @Field(() => [Label], { nullable: true })
  labels: Label[] | null;
}

export enum RateLimitBy {
  AGENT = 'agent',
  RULE = 'rule',
}
registerEnumType(RateLimitBy, {
  name: 'RateLimitBy',
  description: 'Whose requests are counted: each agent’s by themselves, or those of all agents of the rule together.',
});

@ObjectType({ description: 'So many requests in so many seconds.' })
export class RateLimit {
  @Field(() => Int)
  requests: number;

  @Field(() => Int)
  perSeconds: number;

  @Field(() => RateLimitBy)
  by: RateLimitBy;
}

@ObjectType()
export class DenyRule {
  @Field(() => [String])
  hosts: readonly string[];

  @Field(() => [String], { description: 'None: every path.' })
  paths: readonly string[];

  @Field(() => [String], { description: 'None: every method.' })
  methods: readonly string[];

  @Field(() => [TimeWindow], { description: 'When the rule is in force. None: always.' })
  windows: readonly TimeWindow[];
}

@ObjectType()
export class AllowRule extends DenyRule {
  @Field(() => [String], { description: 'Names of the secrets that it grants.' })
  secrets: readonly string[];

  @Field(() => RateLimit, { nullable: true })
  rateLimit: RateLimit | null;

  @Field(() => Int, { nullable: true, description: 'Requests of one agent at once.' })
  maxConcurrent: number | null;

  @Field(() => Float, { nullable: true })
  maxBodyBytes: number | null;

  @Field(() => Boolean, { description: 'The host is passed through: not intercepted, and without credentials.' })
  tunnel: boolean;

  @Field(() => Boolean, { description: 'HTTP/2 is offered to agents that ask for it.' })
  http2: boolean;

  @Field(() => Boolean, { description: 'Plain HTTP inside CONNECT is served.' })
  plainHttp: boolean;

  @Field(() => Boolean, {
    description: 'A person has to approve what it covers, whatever other rules allow: see `approvals`.',
  })
  approval: boolean;
}

@ObjectType({ description: 'Either allow or deny. Deny wins; silence means deny.' })
export class Rule {
  @Field(() => AllowRule, { nullable: true })
  allow: AllowRule | null;

  @Field(() => DenyRule, { nullable: true })
  deny: DenyRule | null;
}

@ObjectType({ description: 'A named set of rules for the agents that it selects.' })
export class Policy extends ConfiguredObject {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => Int)
  version: number;

  @Field(() => [AgentSelector])
  agents: AgentSelector[];

  @Field(() => PolicyMode)
  mode: PolicyMode;

  @Field(() => [Rule])
  rules: Rule[];
}

export const PolicyConnection = connectionType(Policy, 'Policy');

@ObjectType()
export class PolicyPayload extends WritePayload {
  @Field(() => Policy, { nullable: true })
  object: Policy | null;
}

@InputType({ description: 'Either a name or labels.' })
export class AgentSelectorInput {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => [LabelInput], { nullable: true })
  labels?: LabelInput[] | null;
}

@InputType()
export class TimeWindowInput {
  @Field(() => [WeekDay])
  days: WeekDay[];

  @Field(() => String)
  from: string;

  @Field(() => String)
  to: string;

  @Field(() => String)
  zone: string;
}

@InputType()
export class RateLimitInput {
  @Field(() => Int)
  requests: number;

  @Field(() => Int)
  perSeconds: number;

  @Field(() => RateLimitBy, { nullable: true, description: 'AGENT when it is absent.' })
  by?: RateLimitBy;
}

@InputType()
export class DenyRuleInput {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [String], { nullable: true })
  paths?: string[];

  @Field(() => [String], { nullable: true })
  methods?: string[];

  @Field(() => [TimeWindowInput], { nullable: true })
  windows?: TimeWindowInput[];
}

@InputType()
export class AllowRuleInput extends DenyRuleInput {
  @Field(() => [String], { nullable: true })
  secrets?: string[];

  @Field(() => RateLimitInput, { nullable: true })
  rateLimit?: RateLimitInput;

  @Field(() => Int, { nullable: true })
  maxConcurrent?: number;

  @Field(() => Float, { nullable: true })
  maxBodyBytes?: number;

  @Field(() => Boolean, { nullable: true })
  tunnel?: boolean;

  @Field(() => Boolean, { nullable: true })
  http2?: boolean;

  @Field(() => Boolean, { nullable: true })
  plainHttp?: boolean;

  @Field(() => Boolean, { nullable: true })
  approval?: boolean;
}

@InputType({ description: 'Either allow or deny.' })
export class RuleInput {
  @Field(() => AllowRuleInput, { nullable: true })
  allow?: AllowRuleInput;

  @Field(() => DenyRuleInput, { nullable: true })
  deny?: DenyRuleInput;
}

@InputType({ description: 'What is absent stays as it is; a new policy needs agents and rules. Null is the default.' })
export class PolicyInput {
  @Field(() => String, { nullable: true, description: 'May be absent where an id is given.' })
  name?: string | null;

  @Field(() => [AgentSelectorInput], { nullable: true, description: 'Replaces all of them.' })
  agents?: AgentSelectorInput[] | null;

  @Field(() => PolicyMode, { nullable: true, description: 'Default: ENFORCE.' })
  mode?: PolicyMode | null;

  @Field(() => [RuleInput], { nullable: true, description: 'Replaces all of them.' })
  rules?: RuleInput[] | null;
}
