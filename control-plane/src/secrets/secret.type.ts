import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { WritePayload } from '../api/write-payload.ts';

/** Surfaces of the domain, as a GraphQL enum; a test holds them together. */
export enum Surface {
  HEADER = 'header',
  BASIC = 'basic',
}
registerEnumType(Surface, { name: 'Surface', description: 'Where in a request a placeholder is replaced.' });

@ObjectType({ description: 'Where a secret may be used: only there does its value ever leave.' })
export class Binding {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [Surface])
  surfaces: Surface[];
}

@InputType()
export class BindingInput {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [Surface], { nullable: true, description: 'All surfaces when absent.' })
  surfaces?: Surface[] | null;
}

@ObjectType({ description: 'A named credential. There is no field for its value.' })
export class Secret {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => String)
  description: string;

  @Field(() => Binding, { nullable: true, description: 'Null: bound nowhere, never used.' })
  binding: Binding | null;

  @Field(() => Int, { description: 'The current version.' })
  version: number;

  @Field(() => [Int])
  versions: number[];

  @Field(() => Boolean)
  isDisabled: boolean;

  @Field(() => String, { description: 'Keyed: tells the current value from another, and nothing else about it.' })
  fingerprint: string;

  @Field(() => GraphQLISODateTime)
  valueSetAt: Date;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}

@ObjectType()
export class SecretPage {
  @Field(() => [Secret])
  items: Secret[];

  @Field(() => String, { nullable: true })
  next: string | null;
}

@ObjectType()
export class SecretPayload extends WritePayload {
  @Field(() => Secret, { nullable: true })
  object: Secret | null;
}

@InputType()
export class NewSecretInput {
  @Field(() => String)
  name: string;

  @Field(() => String, { description: 'It goes in and never comes out.' })
  value: string;

  @Field(() => String, { nullable: true })
  description?: string | null;

  @Field(() => BindingInput, { nullable: true })
  binding?: BindingInput | null;
}

@InputType({ description: 'What is absent stays as it is; a value makes a new version; a null binding unbinds.' })
export class SecretUpdateInput {
  @Field(() => String, { nullable: true })
  value?: string | null;

  @Field(() => String, { nullable: true })
  description?: string | null;

  @Field(() => BindingInput, { nullable: true })
  binding?: BindingInput | null;

  @Field(() => Boolean, { nullable: true })
  isDisabled?: boolean | null;
}
