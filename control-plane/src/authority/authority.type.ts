import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { WritePayload } from '../api/write-payload.ts';

enum AuthorityKind {
  GATEWAY = 'GATEWAY',
  CLIENT = 'CLIENT',
}
registerEnumType(AuthorityKind, {
  name: 'AuthorityKind',
  description: 'GATEWAY: agents trust it for the hosts that they reach. CLIENT: it issues their client certificates.',
});
export { AuthorityKind };

enum AuthorityState {
  NEXT = 'NEXT',
  ACTIVE = 'ACTIVE',
  PREVIOUS = 'PREVIOUS',
}
registerEnumType(AuthorityState, {
  name: 'AuthorityState',
  description:
    'NEXT: it is trusted (by agents, or for client certificates by workers), and nothing is signed with it. ACTIVE: it signs. PREVIOUS: it is still trusted, and nothing is signed with it any more.',
});

@ObjectType({ description: 'An agent with a client certificate that is good until its authority is retired.' })
export class AuthorityHolder {
  @Field(() => String)
  agent: string;

  @Field(() => GraphQLISODateTime, { description: 'When its last certificate expires.' })
  expiresAt: Date;

  @Field(() => Boolean, { description: 'It was given one by a later authority since.' })
  isRenewed: boolean;
}

@ObjectType({ description: 'A certificate authority. Its key is in no answer.' })
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
    description: 'SHA-256 of the certificate that is trusted for it: its own, or the root that it came with.',
  })
  trustFingerprint: string | null;

  @Field(() => [String], { description: 'Which hosts it may issue for, by its name constraints; none: any.' })
  constraints: readonly string[];

  @Field(() => GraphQLISODateTime, { nullable: true })
  notBefore: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  notAfter: Date | null;

  @Field(() => Boolean, { description: 'False: its row was altered. It is neither handed out, nor trusted, nor used.' })
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

  @Field(() => [AuthorityHolder], {
    description:
      'Of a CLIENT one: agents with unexpired certificates by it, those that were not renewed first; a hundred at most.',
  })
  holders: readonly AuthorityHolder[];

  @Field(() => Int)
  holderCount: number;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description:
      'Certificates that an earlier release issued by it may be good until then, and nobody knows whose they are.',
  })
  unrecordedUntil: Date | null;
}

@ObjectType({ description: 'The certificate authorities of a kind.' })
export class Authorities {
  @Field(() => AuthorityKind)
  kind: `${AuthorityKind}`;

  @Field(() => [Authority], { description: 'The active one first.' })
  authorities: readonly Authority[];

  @Field(() => [String], {
    description:
      'Live workers that the next step waits for: they do not hand out or trust the next authority, or do not sign with the active one.',
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
