import 'reflect-metadata';
import { Fault } from '@onecli/shared/fault';
import { ArgsType, Field, Int } from 'type-graphql';
import { type Page, defaultLimit, maxLimit } from './page-query.ts';

@ArgsType()
export class PageArguments {
  @Field(() => String, { nullable: true, description: 'The `next` of the page before.' })
  after?: string | null;

  @Field(() => Int, { defaultValue: defaultLimit, description: 'At most so many items, 1-200.' })
  limit: number;
}

/** The page that arguments ask for. @throws Fault INVALID */
export function pageOf({ after, limit }: PageArguments): Page {
  if (limit < 1 || limit > maxLimit) throw new Fault('INVALID', `\`limit\` must be 1-${maxLimit}`, { field: 'limit' });
  return { after: after ?? undefined, limit };
}
