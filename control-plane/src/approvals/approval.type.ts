import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../api/connection.ts';
import { WritePayload } from '../api/write-payload.ts';

export enum ApprovalState {
  PENDING = 'PENDING',
  APPROVED = 'APPROVED',
  DENIED = 'DENIED',
  ENDED = 'ENDED',
}
registerEnumType(ApprovalState, {
  name: 'ApprovalState',
  description:
    'PENDING waits for a person. ENDED: its time is over, somebody ended it, or nobody decided within a day.',
});

@ObjectType({ description: 'All that a rule covers.' })
export class ApprovalScope {
  @Field(() => [String])
  hosts: readonly string[];

  @Field(() => [String], { description: 'None: every path.' })
  paths: readonly string[];

  @Field(() => [String], { description: 'None: every method.' })
  methods: readonly string[];
}

@ObjectType({ description: 'What an agent was refused until a person approves it: a request under a rule that asks.' })
export class Approval {
  @Field(() => ID)
  id: string;

  @Field(() => ApprovalState)
  state: ApprovalState;

  @Field(() => String)
  agent: string;

  @Field(() => String, { description: 'The rule that asks, `policy/rules/index`; where it is gone, as it was.' })
  rule: string;

  @Field(() => ApprovalScope, {
    nullable: true,
    description: 'All that the rule covers. Null: it was changed or removed since, and there is nothing to approve.',
  })
  covers: ApprovalScope | null;

  @Field(() => String)
  host: string;

  @Field(() => Int)
  port: number;

  @Field(() => String)
  method: string;

  @Field(() => String, { description: 'Without the query.' })
  path: string;

  @Field(() => [String], {
    description: 'Those of the secrets that the rule grants: who may decide has to in each. `*`: in every environment.',
  })
  environments: readonly string[];

  @Field(() => Int, { description: 'How often the agent was refused for it.' })
  asks: number;

  @Field(() => GraphQLISODateTime)
  askedAt: Date;

  @Field(() => GraphQLISODateTime)
  lastAskedAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  decidedAt: Date | null;

  @Field(() => String, { nullable: true, description: '`user:alice`.' })
  decidedBy: string | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: 'Of one that is approved: until when. Of one that is denied: before then it is not asked for again.',
  })
  endsAt: Date | null;

  @Field(() => Boolean, { description: 'It is approved for all that the rule covers, and not for this request alone.' })
  isWholeRule: boolean;
}

export const ApprovalConnection = connectionType(Approval, 'Approval');

@ObjectType()
export class ApprovalPayload extends WritePayload {
  @Field(() => Approval, { nullable: true })
  object: Approval | null;
}
