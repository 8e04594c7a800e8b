import 'reflect-metadata';
import { ArgsType, Field, ID, Int } from 'type-graphql';
import type { ObjectRef } from '../configuration/object-ref.ts';
import { invalidField } from '../configuration/parse-input.ts';

const ifRevisionDescription =
  'Refused with CONFLICT when the object was written after this revision, or is absent; 0: when it is there.';

@ArgsType()
export class ObjectArguments {
  @Field(() => String, { nullable: true, description: 'Either the name or the id.' })
  name?: string | null;

  @Field(() => ID, { nullable: true })
  id?: string | null;
}

/** Of a write whose object has other arguments of its own. */
@ArgsType()
export class ConditionArguments {
  @Field(() => Int, { nullable: true, description: ifRevisionDescription })
  ifRevision?: number | null;
}

@ArgsType()
export class WriteArguments extends ObjectArguments {
  @Field(() => Int, { nullable: true, description: ifRevisionDescription })
  ifRevision?: number | null;
}

@ArgsType()
export class UpsertArguments {
  @Field(() => ID, { nullable: true, description: 'The object by its id, which then must exist. Absent: by its name.' })
  id?: string | null;

  @Field(() => Int, { nullable: true, description: ifRevisionDescription })
  ifRevision?: number | null;
}

/** Which object arguments mean. @throws Fault INVALID unless they have either a name or an id */
export function refOf({ name, id }: ObjectArguments): ObjectRef {
  if (name != null && id == null) return name;
  if (id != null && name == null) return { id };
  throw invalidField('name', 'or id must be given, and not both');
}

/** The conditions of a write. @throws Fault INVALID */
export function conditionsOf({ ifRevision }: { ifRevision?: number | null }): { ifRevision?: number } {
  if (ifRevision == null) return {};
  if (ifRevision < 0) throw invalidField('ifRevision', 'must be 0 or more');
  return { ifRevision };
}

/** What an upsert is told beside its input. @throws Fault INVALID */
export function upsertOptions({ id, ifRevision }: UpsertArguments) {
  return { ...conditionsOf({ ifRevision: ifRevision ?? null }), ...(id != null && { ref: { id } }) };
}
