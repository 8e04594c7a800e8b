import 'reflect-metadata';
import { Fault, type FaultCode } from '@onecli/shared/fault';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum Change {
  CREATED = 'CREATED',
  UPDATED = 'UPDATED',
  UNCHANGED = 'UNCHANGED',
  DELETED = 'DELETED',
}
registerEnumType(Change, { name: 'Change', description: 'What a write did.' });

@ObjectType({ description: 'Why a write was refused. Nothing was written.' })
export class WriteError {
  @Field(() => String, { description: 'A code of the table of faults, such as INVALID or NAME_TAKEN.' })
  code: string;

  @Field(() => String, { nullable: true, description: 'Which input is wrong, as `rules[0].allow.hosts[1]`.' })
  field: string | null;

  @Field(() => String)
  message: string;
}

/** What a write gives back that no revision of the configuration tells of: whoever waits for workers finds out by other means. */
@ObjectType()
export abstract class UnwaitedPayload {
  @Field(() => Change, { nullable: true, description: 'Null when the write was refused.' })
  change: Change | null;

  @Field(() => Int, { nullable: true, description: 'The revision that has the write; null when it was refused.' })
  revision: number | null;

  @Field(() => [WriteError])
  errors: WriteError[];
}

/** What every other write gives back. */
@ObjectType()
export abstract class WritePayload extends UnwaitedPayload {
  @Field(() => [String], {
    nullable: true,
    description:
      'Names of the live workers that had not applied the revision in time, starting ones among them; none: all have, if there are any. Null: not waited for.',
  })
  behind?: string[] | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many live workers have applied the revision; 0: none, or there is none. Null: not waited for.',
  })
  confirmedBy?: number | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Names of the workers that stopped reporting within the last day and whose run has not ended, or whose audit trail goes on after their last report: nobody knows whether they still serve by an earlier revision. Null: not waited for.',
  })
  silent?: string[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'At least one worker has applied the revision, and none that is known to run is `behind` or `silent`. One that was stopped, and is started later without the database, serves by its snapshot file all the same. Null: not waited for.',
  })
  isEverywhere?: boolean | null;
}

@ObjectType({ description: 'The result of a removal. Removing what is absent succeeds, unchanged.' })
export class RemovalPayload extends WritePayload {}

@ObjectType({ description: 'The result of a confirmation.' })
export class RestorePayload extends WritePayload {}

/** Faults of the input or of the moment: part of the answer. All others are errors of the request. */
const expected: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'INVALID',
  'NOT_FOUND',
  'NAME_TAKEN',
  'IDENTITY_TAKEN',
  'MANAGED_ELSEWHERE',
  'CONFLICT',
  'LAST_OWNER',
]);

interface Done {
  readonly change: `${Change}`;
  readonly revision: number;
}

/** Runs a write and makes its payload; an expected fault becomes one of the payload's errors. */
export async function payloadOf<W extends Done>(write: () => Promise<W>) {
  try {
    const done = await write();
    return { object: null, token: null, ...done, change: Change[done.change], errors: [] as WriteError[] };
  } catch (error) {
    if (!(error instanceof Fault) || !expected.has(error.code)) throw error;
    return refusedPayload(error);
  }
}

/** The payload of a write that a fault has refused. */
export function refusedPayload({ code, field, message }: Fault) {
  const errors: WriteError[] = [{ code, field: field ?? null, message }];
  return { object: null, token: null, change: null, revision: null, errors };
}
