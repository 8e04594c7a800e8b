import 'reflect-metadata';
import { Field, GraphQLISODateTime, Int, ObjectType } from 'type-graphql';

/** What every object of the configuration tells of itself. */
@ObjectType()
export abstract class ConfiguredObject {
  @Field(() => String, {
    nullable: true,
    description: 'The source of configuration as code that made it. Null: made by hand.',
  })
  managedBy: string | null;

  @Field(() => Int, { description: 'The revision that last wrote it.' })
  revision: number;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt: Date;
}
