import 'reflect-metadata';
import { type RuleMatch as Match, ruleMatches } from '@onecli/shared/domain/trace-policy';
import { Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { AuditEvent, Decision } from '../audit/audit.type.ts';

export const RuleEffect = { ALLOW: 'allow', DENY: 'deny' } as const;
export type RuleEffect = (typeof RuleEffect)[keyof typeof RuleEffect];
registerEnumType(RuleEffect, { name: 'RuleEffect' });

export const RuleMatch = Object.fromEntries(ruleMatches.map((match) => [match, match]));
registerEnumType(RuleMatch, {
  name: 'RuleMatch',
  description: 'Whether a rule covers a request, or what keeps it from that.',
});

const headerOutcomes = ['REPLACED', 'PLACEHOLDER_NOT_GRANTED', 'PLACEHOLDER_NOT_BOUND'] as const;
type HeaderOutcome = (typeof headerOutcomes)[number];
const HeaderOutcome = Object.fromEntries(headerOutcomes.map((outcome) => [outcome, outcome]));
registerEnumType(HeaderOutcome, {
  name: 'HeaderOutcome',
  description: 'What would become of the placeholders in a header.',
});

@ObjectType({ description: 'What one rule has to say of a request.' })
export class RuleTrace {
  @Field(() => String, { description: '`policy/rules/index`.' })
  rule: string;

  @Field(() => RuleEffect)
  effect: RuleEffect;

  @Field(() => Boolean, { description: 'Its policy is in monitor mode.' })
  isMonitored: boolean;

  @Field(() => RuleMatch)
  match: Match;

  @Field(() => Boolean, { description: 'It made the decision.' })
  decides: boolean;

  @Field(() => [String], { description: 'The secrets that it grants.' })
  secrets: readonly string[];

  @Field(() => Boolean, { description: 'It asks for an approval of what it covers.' })
  asksForApproval: boolean;
}

@ObjectType({ description: 'A header with placeholders. Its value is not repeated.' })
export class SimulatedHeader {
  @Field(() => String)
  header: string;

  @Field(() => HeaderOutcome)
  outcome: HeaderOutcome;

  @Field(() => [String], { description: 'The secret versions that would stand there.' })
  secrets: readonly string[];
}

@ObjectType({ description: 'What the proxy would decide. Identity, rate limits, address and body are not asked.' })
export class Simulation {
  @Field(() => Int, { description: 'Of the configuration that it was made with.' })
  revision: number;

  @Field(() => Decision)
  decision: RuleEffect;

  @Field(() => String, { description: '`ALLOWED`, `MONITORED`, or a code of the table of faults.' })
  reason: string;

  @Field(() => String, { nullable: true, description: 'The rule that decides; null when no rule covers it.' })
  rule: string | null;

  @Field(() => [String], { description: 'The secrets that the rules grant there.' })
  granted: readonly string[];

  @Field(() => [RuleTrace], { description: 'Every rule of the policies that select the agent.' })
  trace: readonly RuleTrace[];

  @Field(() => [SimulatedHeader])
  headers: readonly SimulatedHeader[];
}

@ObjectType({ description: 'A past request, and what would be decided now.' })
export class Explanation {
  @Field(() => AuditEvent)
  event: AuditEvent;

  @Field(() => Simulation, {
    nullable: true,
    description: 'By path, method and host: headers and query are in no event. Null: see `problem`.',
  })
  now: Simulation | null;

  @Field(() => String, { nullable: true, description: 'Why it cannot be decided again.' })
  problem: string | null;

  @Field(() => Boolean, { description: 'The configuration was changed since.' })
  hasChanged: boolean;
}

@InputType()
export class SimulatedHeaderInput {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;
}
