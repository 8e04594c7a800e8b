import { Field, GraphQLISODateTime, InputType, ObjectType } from 'type-graphql';
import { withoutNulls } from '../api/without-nulls.ts';
import { Label, LabelInput, labelList, labelRecord } from './label.type.ts';
import type { IdentityDocument } from './identity-document.ts';

@ObjectType()
@InputType('TokenIdentityInput')
export class TokenIdentity {
  @Field(() => GraphQLISODateTime, { nullable: true, description: 'Absent: it does not expire.' })
  expiresAt?: Date | null;

  @Field(() => [String], { nullable: true, description: 'Source ranges that it is good from; absent: every source.' })
  cidrs?: string[] | null;
}

@ObjectType({ description: 'The name of a client certificate: exactly one.' })
@InputType('MtlsIdentityInput')
export class MtlsIdentity {
  @Field(() => String, { nullable: true })
  commonName?: string | null;

  @Field(() => String, { nullable: true })
  dnsName?: string | null;

  @Field(() => String, { nullable: true, description: 'A URI such as a SPIFFE id.' })
  uri?: string | null;
}

@ObjectType({ description: 'A header that a proxy in one of the source ranges sets.' })
@InputType('HeaderIdentityInput')
export class HeaderIdentity {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;

  @Field(() => [String])
  cidrs: string[];
}

@ObjectType({ description: 'Every connection from these source ranges.' })
@InputType('SourceIdentityInput')
export class SourceIdentity {
  @Field(() => [String])
  cidrs: string[];
}

@ObjectType()
export class JwtIdentity {
  @Field(() => String)
  issuer: string;

  @Field(() => String)
  audience: string;

  @Field(() => [Label])
  claims: Label[];

  @Field(() => String, { nullable: true })
  jwksUri?: string | null;
}

@InputType()
export class JwtIdentityInput {
  @Field(() => String)
  issuer: string;

  @Field(() => String)
  audience: string;

  @Field(() => [LabelInput], { nullable: true, description: 'Claims that a JWT must have, with these values.' })
  claims?: LabelInput[] | null;

  @Field(() => String, { nullable: true, description: "Absent: the issuer's OpenID configuration says." })
  jwksUri?: string | null;
}

@ObjectType({ description: 'How an agent is recognised: one of the kinds.' })
export class AgentIdentity {
  @Field(() => TokenIdentity, { nullable: true })
  token?: TokenIdentity | null;

  @Field(() => MtlsIdentity, { nullable: true })
  mtls?: MtlsIdentity | null;

  @Field(() => JwtIdentity, { nullable: true })
  jwt?: JwtIdentity | null;

  @Field(() => HeaderIdentity, { nullable: true })
  header?: HeaderIdentity | null;

  @Field(() => SourceIdentity, { nullable: true })
  source?: SourceIdentity | null;
}

@InputType({ description: 'How an agent is recognised: exactly one of the kinds.' })
export class AgentIdentityInput {
  @Field(() => TokenIdentity, { nullable: true })
  token?: TokenIdentity | null;

  @Field(() => MtlsIdentity, { nullable: true })
  mtls?: MtlsIdentity | null;

  @Field(() => JwtIdentityInput, { nullable: true })
  jwt?: JwtIdentityInput | null;

  @Field(() => HeaderIdentity, { nullable: true })
  header?: HeaderIdentity | null;

  @Field(() => SourceIdentity, { nullable: true })
  source?: SourceIdentity | null;
}

/** Identities as GraphQL shows them. */
export function identityList(documents: readonly IdentityDocument[]): AgentIdentity[] {
  return documents.map((document): AgentIdentity => {
    if ('jwt' in document) {
      const { jwksUri = null, claims, ...jwt } = document.jwt;
      return { jwt: { ...jwt, claims: labelList(claims), jwksUri } };
    }
    return document as AgentIdentity;
  });
}

/** Identities as the services take them: a null is nothing. @throws Fault INVALID for a claim that is there twice */
export function identityInputs(inputs: readonly AgentIdentityInput[]): unknown[] {
  return inputs.map(({ jwt, ...others }, index) => {
    if (jwt == null) return withoutNulls(others);
    const claims = labelRecord(jwt.claims ?? [], `identities[${index}].jwt.claims`);
    const { issuer, audience, jwksUri } = jwt;
    return withoutNulls({ ...others, jwt: { issuer, audience, jwksUri, claims } });
  });
}
