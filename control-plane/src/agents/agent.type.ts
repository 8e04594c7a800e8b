import { Field, GraphQLISODateTime, ID, InputType, ObjectType } from 'type-graphql';
import { ConfiguredObject } from '../configuration/configured-object.type.ts';
import { connectionType } from '../api/connection.ts';
import { SwitchableFilter } from '../api/list-filter.ts';
import { WritePayload } from '../api/write-payload.ts';
import { AgentIdentity, AgentIdentityInput } from './identity.type.ts';
import { Label, LabelInput } from './label.type.ts';

@ObjectType({ description: 'A token of an agent, as far as it is shown.' })
export class AgentToken {
  @Field(() => String, { description: 'Its first characters.' })
  prefix: string;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  expiresAt: Date | null;
}

@ObjectType({ description: 'A workload that the proxy knows by its identities.' })
export class Agent extends ConfiguredObject {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => [Label])
  labels: Label[];

  @Field(() => Boolean)
  isDisabled: boolean;

  @Field(() => [AgentIdentity])
  identities: AgentIdentity[];

  @Field(() => [AgentToken])
  tokens: AgentToken[];
}

export const AgentConnection = connectionType(Agent, 'Agent');

@ObjectType()
export class AgentPayload extends WritePayload {
  @Field(() => Agent, { nullable: true })
  object: Agent | null;
}

@ObjectType()
export class AgentTokenPayload extends AgentPayload {
  @Field(() => String, { nullable: true, description: 'The new token, if one was made. It is told this once.' })
  token: string | null;
}

@ObjectType({ description: 'A client certificate and its key, PEM. The key is told this once.' })
export class AgentCertificate {
  @Field(() => String)
  certificate: string;

  @Field(() => String)
  privateKey: string;

  @Field(() => GraphQLISODateTime)
  expiresAt: Date;
}

@ObjectType()
export class AgentCertificatePayload extends WritePayload {
  @Field(() => AgentCertificate, { nullable: true })
  object: AgentCertificate | null;
}

@InputType()
export class AgentFilter extends SwitchableFilter {
  @Field(() => [LabelInput], { nullable: true, description: 'Agents that carry each of these.' })
  labels?: LabelInput[] | null;
}

@InputType({ description: 'What is absent stays as it is, and is the default of a new agent; null is the default.' })
export class AgentInput {
  @Field(() => String, { nullable: true, description: 'May be absent where an id is given.' })
  name?: string | null;

  @Field(() => [LabelInput], { nullable: true, description: 'Replaces all labels. Default: none.' })
  labels?: LabelInput[] | null;

  @Field(() => Boolean, { nullable: true, description: 'Default: false.' })
  isDisabled?: boolean | null;

  @Field(() => [AgentIdentityInput], { nullable: true, description: 'Replaces all identities. Default: a token.' })
  identities?: AgentIdentityInput[] | null;
}
