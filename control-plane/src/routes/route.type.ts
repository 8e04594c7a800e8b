import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { ConfiguredObject } from '../configuration/configured-object.type.ts';
import { connectionType } from '../api/connection.ts';
import { WritePayload } from '../api/write-payload.ts';

@ObjectType({ description: 'A header or a query parameter, and what is put there: `{secret}` stands for the value.' })
export class NamedTemplate {
  @Field(() => String)
  name: string;

  @Field(() => String)
  template: string;
}

@ObjectType({
  description: 'The path that is asked for instead; `{path}` stands for the one that the agent asked for.',
})
export class PathTemplate {
  @Field(() => String)
  template: string;
}

@ObjectType({ description: 'Either a header or a query parameter, by name.' })
export class Removal {
  @Field(() => String, { nullable: true })
  header: string | null;

  @Field(() => String, { nullable: true })
  query: string | null;
}

@ObjectType({ description: 'One of the four.' })
export class Injection {
  @Field(() => NamedTemplate, { nullable: true })
  header: NamedTemplate | null;

  @Field(() => NamedTemplate, { nullable: true })
  query: NamedTemplate | null;

  @Field(() => PathTemplate, { nullable: true })
  path: PathTemplate | null;

  @Field(() => Removal, { nullable: true })
  remove: Removal | null;
}

@ObjectType({ description: 'Puts a secret into requests although the agent sent no placeholder.' })
export class Route extends ConfiguredObject {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => Int)
  version: number;

  @Field(() => String, { description: 'The name of the secret.' })
  secret: string;

  @Field(() => [String])
  hosts: string[];

  @Field(() => [String], { description: 'None: every path.' })
  paths: string[];

  @Field(() => [String], { description: 'None: every method.' })
  methods: string[];

  @Field(() => [Injection])
  inject: Injection[];

  @Field(() => String, { nullable: true, description: 'Why it does nothing now; null when it may act.' })
  problem: string | null;
}

export const RouteConnection = connectionType(Route, 'Route');

@ObjectType()
export class RoutePayload extends WritePayload {
  @Field(() => Route, { nullable: true })
  object: Route | null;
}

@InputType()
export class NamedTemplateInput {
  @Field(() => String)
  name: string;

  @Field(() => String, { description: 'Holds `{secret}`.' })
  template: string;
}

@InputType()
export class PathTemplateInput {
  @Field(() => String, { description: 'Holds `{secret}`, and `{path}` for the path that was asked for.' })
  template: string;
}

@InputType({ description: 'Either a header or a query parameter, by name.' })
export class RemovalInput {
  @Field(() => String, { nullable: true })
  header?: string;

  @Field(() => String, { nullable: true })
  query?: string;
}

@InputType({ description: 'One of the four.' })
export class InjectionInput {
  @Field(() => NamedTemplateInput, { nullable: true })
  header?: NamedTemplateInput;

  @Field(() => NamedTemplateInput, { nullable: true })
  query?: NamedTemplateInput;

  @Field(() => PathTemplateInput, { nullable: true })
  path?: PathTemplateInput;

  @Field(() => RemovalInput, { nullable: true })
  remove?: RemovalInput;
}

@InputType({
  description:
    'What is absent stays as it is; a new route needs a secret, hosts and what to inject. Null is the default.',
})
export class RouteInput {
  @Field(() => String, { nullable: true, description: 'May be absent where an id is given.' })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'The name of the secret.' })
  secret?: string | null;

  @Field(() => [String], { nullable: true })
  hosts?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Default: every path.' })
  paths?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Default: every method.' })
  methods?: string[] | null;

  @Field(() => [InjectionInput], { nullable: true })
  inject?: InjectionInput[] | null;
}
