import { Field, GraphQLISODateTime, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum SecretVersionState {
  CURRENT = 'CURRENT',
  AVAILABLE = 'AVAILABLE',
  PENDING = 'PENDING',
  DESTROYED = 'DESTROYED',
}
registerEnumType(SecretVersionState, {
  name: 'SecretVersionState',
  description:
    'AVAILABLE: not current, may be pinned and rolled back to. PENDING: a rotation is trying it out. DESTROYED: gone.',
});

@ObjectType({ description: 'A version of a secret. There is no field for its value.' })
export class SecretVersion {
  @Field(() => Int)
  version: number;

  @Field(() => SecretVersionState)
  state: SecretVersionState;

  @Field(() => String, { description: 'Keyed: tells the value from another, and nothing else about it.' })
  fingerprint: string;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  destroyedAt: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  lastUsedAt: Date | null;
}

@ObjectType({
  description: 'What would be different without a secret. What the caller may not read is counted, and not named.',
})
export class SecretDependents {
  @Field(() => [String])
  policies: string[];

  @Field(() => Int, { description: 'Further policies that grant it, which the caller may not read.' })
  hiddenPolicyCount: number;

  @Field(() => [String])
  routes: string[];

  @Field(() => Int, { description: 'Further routes that inject it, which the caller may not read.' })
  hiddenRouteCount: number;

  @Field(() => [String], { description: 'The first 200.' })
  agents: string[];

  @Field(() => Int)
  agentCount: number;

  @Field(() => Int, { description: 'Further agents that may use it, by hidden policies or hidden themselves.' })
  hiddenAgentCount: number;

  @Field(() => GraphQLISODateTime, { nullable: true })
  lastUsedAt: Date | null;
}
