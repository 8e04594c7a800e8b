import 'reflect-metadata';
import { Fault } from '@onecli/shared/fault';
import { Field, InputType, ObjectType } from 'type-graphql';

@ObjectType()
export class Label {
  @Field(() => String)
  key: string;

  @Field(() => String)
  value: string;
}

@InputType()
export class LabelInput {
  @Field(() => String)
  key: string;

  @Field(() => String)
  value: string;
}

/** Labels as GraphQL lists them. */
export function labelList(labels: Readonly<Record<string, string>>): Label[] {
  return Object.entries(labels).map(([key, value]) => ({ key, value }));
}

/** Labels as the services take them. @throws Fault INVALID for a key that is there twice */
export function labelRecord(list: readonly LabelInput[], field = 'labels'): Record<string, string> {
  if (new Set(list.map((label) => label.key)).size < list.length) {
    throw new Fault('INVALID', `${field} must have each key once`, { field });
  }
  return Object.fromEntries(list.map((label) => [label.key, label.value]));
}
