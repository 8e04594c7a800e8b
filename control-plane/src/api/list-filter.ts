import 'reflect-metadata';
import { Field, InputType } from 'type-graphql';
import type { PageFilter } from '../configuration/page.ts';

@InputType({ description: 'Which objects are listed: those to which all of it applies.' })
export class ListFilter {
  @Field(() => String, { nullable: true, description: 'The names that begin with this.' })
  namePrefix?: string | null;

  @Field(() => String, { nullable: true, description: 'What this source of configuration as code made.' })
  managedBy?: string | null;
}

@InputType()
export class SwitchableFilter extends ListFilter {
  @Field(() => Boolean, { nullable: true })
  isDisabled?: boolean | null;
}

/** The filter as services take it. */
export function filterOf(filter: ListFilter | null | undefined): { filter?: PageFilter } {
  if (filter == null) return {};
  const given = Object.entries(filter).filter(([, value]) => value != null);
  return { filter: Object.fromEntries(given) as PageFilter };
}
