import 'reflect-metadata';
import { Field, GraphQLISODateTime, ID, ObjectType } from 'type-graphql';

@ObjectType({ description: 'A login that is not over.' })
export class Session {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  user: string;

  @Field(() => String, { description: 'Where the login came from.' })
  address: string;

  @Field(() => String, { description: 'What the client said of itself.' })
  client: string;

  @Field(() => GraphQLISODateTime)
  createdAt: Date;

  @Field(() => GraphQLISODateTime)
  seenAt: Date;

  @Field(() => GraphQLISODateTime, { description: 'When it ends if it is not used.' })
  expiresAt: Date;
}
