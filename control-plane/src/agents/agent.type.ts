import { Field, GraphQLISODateTime, ID, InputType, ObjectType } from 'type-graphql';
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
export class Agent {
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

  @Field(() => String, {
    nullable: true,
    description: 'The source of configuration as code that made it. Null: made by hand.',
  })
  managedBy: string | null;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}

@ObjectType()
export class AgentPage {
  @Field(() => [Agent])
  items: Agent[];

  @Field(() => String, { nullable: true })
  next: string | null;
}

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
export class NewAgentInput {
  @Field(() => String)
  name: string;

  @Field(() => [LabelInput], { nullable: true })
  labels?: LabelInput[] | null;

  @Field(() => [AgentIdentityInput], { nullable: true, description: 'Absent: a token.' })
  identities?: AgentIdentityInput[] | null;
}

@InputType({ description: 'What is absent stays as it is.' })
export class AgentUpdateInput {
  @Field(() => [LabelInput], { nullable: true, description: 'Replaces all labels.' })
  labels?: LabelInput[] | null;

  @Field(() => Boolean, { nullable: true })
  isDisabled?: boolean | null;

  @Field(() => [AgentIdentityInput], { nullable: true, description: 'Replaces all identities.' })
  identities?: AgentIdentityInput[] | null;
}
