import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Label, LabelInput } from '../agents/label.type.ts';
import { WritePayload } from '../api/write-payload.ts';

@ObjectType({ description: 'An agent by its name, or all agents that carry each of the labels.' })
export class AgentSelector {
  @Field(() => String, { nullable: true })
  name: string | null;

  @Field(() => [Label], { nullable: true })
  labels: Label[] | null;
}

@ObjectType()
export class DenyRule {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [String], { description: 'None: every path.' })
  paths: string[];

  @Field(() => [String], { description: 'None: every method.' })
  methods: string[];
}

@ObjectType()
export class AllowRule extends DenyRule {
  @Field(() => [String], { description: 'Names of the secrets that it grants.' })
  secrets: string[];
}

@ObjectType({ description: 'Either allow or deny. Deny wins; silence means deny.' })
export class Rule {
  @Field(() => AllowRule, { nullable: true })
  allow: AllowRule | null;

  @Field(() => DenyRule, { nullable: true })
  deny: DenyRule | null;
}

@ObjectType({ description: 'A named set of rules for the agents that it selects.' })
export class Policy {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => Int)
  version: number;

  @Field(() => [AgentSelector])
  agents: AgentSelector[];

  @Field(() => [Rule])
  rules: Rule[];

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}

@ObjectType()
export class PolicyPage {
  @Field(() => [Policy])
  items: Policy[];

  @Field(() => String, { nullable: true })
  next: string | null;
}

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
export class DenyRuleInput {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [String], { nullable: true })
  paths?: string[];

  @Field(() => [String], { nullable: true })
  methods?: string[];
}

@InputType()
export class AllowRuleInput extends DenyRuleInput {
  @Field(() => [String], { nullable: true })
  secrets?: string[];
}

@InputType({ description: 'Either allow or deny.' })
export class RuleInput {
  @Field(() => AllowRuleInput, { nullable: true })
  allow?: AllowRuleInput;

  @Field(() => DenyRuleInput, { nullable: true })
  deny?: DenyRuleInput;
}

@InputType()
export class PolicyContentInput {
  @Field(() => [AgentSelectorInput])
  agents: AgentSelectorInput[];

  @Field(() => [RuleInput])
  rules: RuleInput[];
}

@InputType()
export class NewPolicyInput extends PolicyContentInput {
  @Field(() => String)
  name: string;
}
