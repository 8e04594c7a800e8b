import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { WritePayload } from '../api/write-payload.ts';

enum AuthorityState {
  NEXT = 'NEXT',
  ACTIVE = 'ACTIVE',
  PREVIOUS = 'PREVIOUS',
}
registerEnumType(AuthorityState, {
  name: 'AuthorityState',
  description:
    'NEXT: agents are given it to trust, and nothing is signed with it. ACTIVE: it signs. PREVIOUS: agents go on trusting it, and nothing is signed with it any more.',
});

@ObjectType({ description: 'A certificate authority that agents are to trust. Its key is in no answer.' })
export class Authority {
  @Field(() => ID)
  id: string;

  @Field(() => AuthorityState)
  state: `${AuthorityState}`;

  @Field(() => String)
  subject: string;

  @Field(() => String, { description: 'SHA-256 of the certificate.' })
  fingerprint: string;

  @Field(() => String, {
    nullable: true,
    description:
      'SHA-256 of the certificate that agents are given to trust for it: its own, or the root that it came with.',
  })
  trustFingerprint: string | null;

  @Field(() => [String], { description: 'Which hosts it may issue for, by its name constraints; none: any.' })
  constraints: readonly string[];

  @Field(() => GraphQLISODateTime, { nullable: true })
  notBefore: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  notAfter: Date | null;

  @Field(() => Boolean, { description: 'False: its row was altered. It is neither handed out nor used.' })
  isIntact: boolean;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: 'When the next one becomes active by itself: the end of the overlap.',
  })
  activatesAt: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  activatedAt: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  replacedAt: Date | null;
}

@ObjectType({ description: 'The certificate authorities that agents are to trust.' })
export class Authorities {
  @Field(() => [Authority], { description: 'The active one first.' })
  authorities: readonly Authority[];

  @Field(() => [String], {
    description:
      'Live workers that the next step waits for: they do not hand out the next authority, or do not sign with the active one.',
  })
  waitingFor: readonly string[];
}

@ObjectType()
export class AuthoritiesPayload extends WritePayload {
  @Field(() => Authorities, { nullable: true })
  object: Authorities | null;
}

@InputType({ description: 'An authority of your own.' })
export class ImportAuthorityInput {
  @Field(() => String, {
    description: 'PEM: its own certificate first, then each that issued the one before; the root last, or not at all.',
  })
  certificate: string;

  @Field(() => String, { description: 'PEM. It is sealed, and in no answer.' })
  privateKey: string;

  @Field(() => Int, { nullable: true, description: 'Default: 168.' })
  overlapHours?: number | null;
}
