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

@ArgsType()
export class WriteArguments extends ObjectArguments {
  @Field(() => Int, { nullable: true, description: ifRevisionDescription })
  ifRevision?: number | null;
}

/** Of what belongs to a secret and has no name of its own: how it is rotated. */
@ArgsType()
export class OfSecretArguments {
  @Field(() => String, { nullable: true, description: 'Either the name of the secret or its id.' })
  secret?: string | null;

  @Field(() => ID, { nullable: true })
  secretId?: string | null;
}

@ArgsType()
export class WriteOfSecretArguments extends OfSecretArguments {
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
  return eitherOf(name, id) ?? neitherOf('name', 'id');
}

/** Which secret arguments mean. @throws Fault INVALID unless they have either its name or its id */
export function secretRefOf({ secret, secretId }: OfSecretArguments): ObjectRef {
  return eitherOf(secret, secretId) ?? neitherOf('secret', 'secretId');
}

function eitherOf(name: string | null | undefined, id: string | null | undefined): ObjectRef | undefined {
  if (name != null && id == null) return name;
  return id != null && name == null ? { id } : undefined;
}

function neitherOf(name: string, id: string): never {
  throw invalidField(name, `or ${id} must be given, and not both`);
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
