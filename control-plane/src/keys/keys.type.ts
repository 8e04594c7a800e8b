import 'reflect-metadata';
import { Field, GraphQLISODateTime, Int, ObjectType, registerEnumType } from 'type-graphql';
import { UnwaitedPayload } from '../api/write-payload.ts';

enum KeyTermState {
  ANNOUNCED = 'ANNOUNCED',
  SEALING = 'SEALING',
  OPENING = 'OPENING',
  AUDIT_ONLY = 'AUDIT_ONLY',
}
registerEnumType(KeyTermState, {
  name: 'KeyTermState',
  description:
    'ANNOUNCED: processes learn it. SEALING: new values are sealed with it. OPENING: values are being moved away from it. AUDIT_ONLY: old audit events alone need it.',
});

enum KeyRotationState {
  IDLE = 'IDLE',
  WAITING = 'WAITING',
  MOVING = 'MOVING',
  BLOCKED = 'BLOCKED',
}
registerEnumType(KeyRotationState, {
  name: 'KeyRotationState',
  description:
    'IDLE: there is no rotation. WAITING: processes learn the new term. MOVING: values are moved to it. BLOCKED: what is left does not open.',
});

@ObjectType({ description: 'A key-encryption key, by its number. The key itself is in no answer.' })
export class KeyTerm {
  @Field(() => Int)
  term: number;

  @Field(() => KeyTermState)
  state: `${KeyTermState}`;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime, { nullable: true })
  activatedAt: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  retiredAt: Date | null;
}

@ObjectType({ description: 'How many values of a table are sealed under a term.' })
export class SealedCount {
  @Field(() => String)
  table: string;

  @Field(() => Int)
  term: number;

  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'A live process that opens sealed values.' })
export class KeyHolder {
  @Field(() => String, { description: '`worker` or `control-plane`.' })
  kind: 'worker' | 'control-plane';

  @Field(() => String)
  name: string;

  @Field(() => [Int], {
    nullable: true,
    description: 'The terms that it can open; null: it is of a release that does not tell.',
  })
  terms: readonly number[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'False: it was started with a master key that was replaced since. It goes on, and has to be restarted.',
  })
  isMasterKeyCurrent: boolean | null;
}

@ObjectType({ description: 'A version of a secret that does not open.' })
export class DamagedVersion {
  @Field(() => String)
  secret: string;

  @Field(() => Int)
  version: number;

  @Field(() => Boolean, { description: 'Then put the secret anew before you destroy this version.' })
  isCurrent: boolean;
}

@ObjectType({ description: 'The keys that configuration is sealed under.' })
export class Keys {
  @Field(() => Int)
  sealingTerm: number;

  @Field(() => KeyRotationState)
  rotation: `${KeyRotationState}`;

  @Field(() => Int, { description: 'Sealed values in all.' })
  total: number;

  @Field(() => Int, { description: 'Those of them that are under the sealing term.' })
  current: number;

  @Field(() => [KeyTerm])
  terms: readonly KeyTerm[];

  @Field(() => [SealedCount])
  sealed: readonly SealedCount[];

  @Field(() => [KeyHolder])
  holders: readonly KeyHolder[];

  @Field(() => [String], { description: 'Live processes that the rotation waits for.' })
  waitingFor: readonly string[];

  @Field(() => [String], {
    description: 'Values that do not open and keep their term alive, as `table row version`; at most 20.',
  })
  unopenable: readonly string[];

  @Field(() => [DamagedVersion], { description: 'Those of them that are versions of secrets: destroy them.' })
  damaged: readonly DamagedVersion[];
}

@ObjectType()
export class KeysPayload extends UnwaitedPayload {
  @Field(() => Keys, { nullable: true })
  object: Keys | null;
}
