import { GraphQLJSON } from 'graphql-scalars';
import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { WriteError, WritePayload } from '../api/write-payload.ts';

/** Kinds of the domain, as a GraphQL enum; a test holds them together. */
export enum ObjectKind {
  SECRET = 'secret',
  AGENT = 'agent',
  POLICY = 'policy',
  ROUTE = 'route',
}
registerEnumType(ObjectKind, { name: 'ObjectKind', description: 'A kind of object that a configuration has.' });

export enum PlanAction {
  CREATE = 'CREATE',
  UPDATE = 'UPDATE',
  DELETE = 'DELETE',
  NONE = 'NONE',
  UNKNOWN = 'UNKNOWN',
}
registerEnumType(PlanAction, {
  name: 'PlanAction',
  description: 'What would happen to an object; UNKNOWN for one that the principal may not read.',
});

@InputType({
  description: 'Objects as a file of configuration has them (docs/onecli.schema.json), a secret’s value in `value`.',
})
export class ConfigurationInput {
  @Field(() => [GraphQLJSON], { nullable: true })
  secrets?: unknown[] | null;

  @Field(() => [GraphQLJSON], { nullable: true })
  agents?: unknown[] | null;

  @Field(() => [GraphQLJSON], { nullable: true })
  policies?: unknown[] | null;

  @Field(() => [GraphQLJSON], { nullable: true })
  routes?: unknown[] | null;
}

@ArgsType()
export class PlanArguments {
  @Field(() => ConfigurationInput)
  config: ConfigurationInput;

  @Field(() => String, { nullable: true, description: 'The source that the configuration is.' })
  managedBy?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Delete what this source made and it no longer names?' })
  prune?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Take over what was made by hand or by another source?' })
  adopt?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Are no values given? Those that are stored stay.' })
  withoutValues?: boolean | null;
}

@ArgsType()
export class ApplyArguments extends PlanArguments {
  @Field(() => String, { description: 'Of the plan of the same configuration.' })
  planHash: string;
}

@ObjectType()
export class FieldChange {
  @Field(() => String)
  field: string;

  @Field(() => GraphQLJSON, { nullable: true })
  before: unknown;

  @Field(() => GraphQLJSON, { nullable: true, description: 'Of a value only `(new value)`.' })
  after: unknown;
}

@ObjectType()
export class PlannedChange {
  @Field(() => ObjectKind)
  kind: ObjectKind;

  @Field(() => String)
  name: string;

  @Field(() => PlanAction)
  action: PlanAction;

  @Field(() => [FieldChange])
  fields: FieldChange[];

  @Field(() => Boolean, { description: 'An agent that gets a token by it.' })
  makesToken: boolean;

  @Field(() => WriteError, { nullable: true, description: 'Why apply would refuse it.' })
  refused: WriteError | null;
}

@ObjectType()
export class PlanPayload {
  @Field(() => Int, { nullable: true, description: 'The revision that it was made at.' })
  revision: number | null;

  @Field(() => String, { nullable: true, description: 'For apply; null when it would be refused.' })
  planHash: string | null;

  @Field(() => [PlannedChange])
  changes: PlannedChange[];

  @Field(() => [WriteError], { description: 'All that is wrong with the configuration.' })
  errors: WriteError[];
}

@ObjectType({ description: 'The token of an agent, told this once.' })
export class MadeToken {
  @Field(() => String)
  agent: string;

  @Field(() => String)
  token: string;
}

@ObjectType()
export class ApplyPayload extends WritePayload {
  @Field(() => [PlannedChange])
  changes: PlannedChange[];

  @Field(() => [MadeToken])
  tokens: MadeToken[];
}
