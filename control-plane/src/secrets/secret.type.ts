import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { ConfiguredObject } from '../configuration/configured-object.type.ts';
import { connectionType } from '../api/connection.ts';
import { WritePayload } from '../api/write-payload.ts';

/** Surfaces of the domain, as a GraphQL enum; a test holds them together. */
export enum Surface {
  HEADER = 'header',
  BASIC = 'basic',
  QUERY = 'query',
  PATH = 'path',
  COOKIE = 'cookie',
  JSON = 'json',
  FORM = 'form',
  TEXT = 'text',
  WEBSOCKET = 'websocket',
}
registerEnumType(Surface, { name: 'Surface', description: 'Where in a request a placeholder is replaced.' });

export enum ScrubMode {
  REPLACE = 'replace',
  REFUSE = 'refuse',
  OFF = 'off',
}
registerEnumType(ScrubMode, {
  name: 'ScrubMode',
  description: 'What happens to a secret that an upstream echoes back.',
});

@ObjectType({ description: 'Where a secret may be used: only there does its value ever leave.' })
export class Binding {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [Surface])
  surfaces: Surface[];

  @Field(() => [String], {
    nullable: true,
    description: 'Where in JSON bodies, like `$.auth.key`. Null: in any string.',
  })
  jsonPaths: string[] | null;

  @Field(() => Boolean, { description: 'May it leave without TLS, over http://?' })
  allowCleartext: boolean;

  @Field(() => ScrubMode)
  scrub: ScrubMode;
}

@InputType()
export class BindingInput {
  @Field(() => [String])
  hosts: string[];

  @Field(() => [Surface], { nullable: true, description: 'HEADER and BASIC when absent.' })
  surfaces?: Surface[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Where in JSON bodies, like `$.auth.key`. In any string when absent.',
  })
  jsonPaths?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: 'May it leave without TLS, over http://? No when absent.' })
  allowCleartext?: boolean | null;

  @Field(() => ScrubMode, { nullable: true, description: 'REPLACE when absent.' })
  scrub?: ScrubMode | null;
}

@InputType({
  description: 'Another text by which agents may hold the secret, for tools that look at the shape of a key.',
})
export class AliasInput {
  @Field(() => String, { description: 'What it starts with, like `sk-`; the rest is random.' })
  prefix: string;
}

@ObjectType({ description: 'A named credential. There is no field for its value.' })
export class Secret extends ConfiguredObject {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => String)
  description: string;

  @Field(() => String, { nullable: true, description: 'Another text by which agents may hold it; no secret.' })
  alias: string | null;

  @Field(() => Binding, { nullable: true, description: 'Null: bound nowhere, never used.' })
  binding: Binding | null;

  @Field(() => Int, { description: 'The current version.' })
  version: number;

  @Field(() => [Int])
  versions: number[];

  @Field(() => Boolean)
  isDisabled: boolean;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'From when on it is not used any more.' })
  expiresAt: Date | null;

  @Field(() => Int, {
    nullable: true,
    description: 'For how many seconds a worker that cannot reach the database uses it. Null: without end.',
  })
  leaseSeconds: number | null;

  @Field(() => Int, { nullable: true, description: 'How many versions are kept. Null: all.' })
  maxVersions: number | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When the alias before this one dies.' })
  previousAliasUntil: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'As the audit trail says, some seconds behind.' })
  lastUsedAt: Date | null;

  @Field(() => String, { description: 'Keyed: tells the current value from another, and nothing else about it.' })
  fingerprint: string;

  @Field(() => GraphQLISODateTime)
  valueSetAt: Date;
}

export const SecretConnection = connectionType(Secret, 'Secret');

@ObjectType()
export class SecretPayload extends WritePayload {
  @Field(() => Secret, { nullable: true })
  object: Secret | null;
}

/** Alphabets of the generator, as a GraphQL enum. */
export enum Alphabet {
  ALPHANUMERIC = 'alphanumeric',
  HEX = 'hex',
  DIGITS = 'digits',
  BASE32 = 'base32',
  BASE64URL = 'base64url',
  SYMBOLS = 'symbols',
}
registerEnumType(Alphabet, { name: 'Alphabet', description: 'What a generated value is made of.' });

@InputType({ description: 'What a random value is to look like. Fewer than 80 random bits are refused.' })
export class GenerateInput {
  @Field(() => Int, { nullable: true, description: '40 when absent.' })
  length?: number | null;

  @Field(() => Alphabet, { nullable: true, description: 'ALPHANUMERIC when absent.' })
  alphabet?: Alphabet | null;

  @Field(() => String, { nullable: true, description: 'What it starts with.' })
  prefix?: string | null;
}

@InputType({
  description:
    'A secret as it is to be. What is absent stays as it is; null sets it back to its default. The value that is current already makes no new version.',
})
export class SecretInput {
  @Field(() => String, { nullable: true, description: 'Absent: the one that `id` means.' })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'It goes in and never comes out. A new secret needs either this, or `generate`.',
  })
  value?: string | null;

  @Field(() => GenerateInput, {
    nullable: true,
    description: 'Make a random value when the secret is new; nobody is shown it. Later: see `rotateSecret`.',
  })
  generate?: GenerateInput | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: 'From when on it is not used any more. Null: never.',
  })
  expiresAt?: Date | null;

  @Field(() => Int, {
    nullable: true,
    description: 'For how many seconds a worker that cannot reach the database uses it. Null: without end.',
  })
  leaseSeconds?: number | null;

  @Field(() => Int, { nullable: true, description: 'How many versions are kept. Null: all.' })
  maxVersions?: number | null;

  @Field(() => String, { nullable: true })
  description?: string | null;

  @Field(() => BindingInput, { nullable: true, description: 'Null: bound nowhere.' })
  binding?: BindingInput | null;

  @Field(() => AliasInput, {
    nullable: true,
    description: 'One that has this prefix already stays as it is. Null: none.',
  })
  alias?: AliasInput | null;

  @Field(() => Boolean, { nullable: true })
  isDisabled?: boolean | null;
}
