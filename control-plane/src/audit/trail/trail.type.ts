import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'The head of the audit trail.' })
export class AuditTrail {
  @Field(() => String, { description: 'The public key of the checkpoints: name, key id and key, joined by `+`.' })
  key: string;

  @Field(() => Float, { description: 'Entries in the trail.' })
  size: number;

  @Field(() => GraphQLISODateTime, { nullable: true })
  signedAt: Date | null;

  @Field(() => String, { nullable: true, description: 'The last checkpoint, a signed note: keep it elsewhere.' })
  checkpoint: string | null;

  @Field(() => Int, { description: 'Gaps and wrong MACs that were found as entries came.' })
  chainFaults: number;
}

@ObjectType({ description: 'Something that is wrong with the audit trail.' })
export class AuditTrailFault {
  @Field(() => String)
  kind: string;

  @Field(() => Float, { description: 'Of the entry: the first that it may be.' })
  index: number;

  @Field(() => ID, { nullable: true, description: 'Of the event, where it is known.' })
  id: string | null;

  @Field(() => String)
  message: string;
}

@ObjectType({ description: 'What a verification of the audit trail found.' })
export class AuditTrailReport {
  @Field(() => Boolean)
  isSound: boolean;

  @Field(() => AuditTrailFault, { nullable: true, description: 'The first bad event.' })
  first: AuditTrailFault | null;

  @Field(() => [AuditTrailFault], { description: 'At most a hundred.' })
  faults: AuditTrailFault[];

  @Field(() => Float)
  faultCount: number;

  @Field(() => Float)
  entries: number;

  @Field(() => Float)
  checkpoints: number;
}
