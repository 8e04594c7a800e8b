import { type LimitName, limitVariables, parseLimit } from '@onecli/shared/limits-table';
import { z } from 'zod';

const names = Object.keys(limitVariables) as LimitName[];

/** The limits of the workers, checked here so that their faults come with all others before anything starts. */
export const limitSchemas = Object.fromEntries(names.map((name) => [name, schemaOf(name)])) as Record<
  LimitName,
  ReturnType<typeof schemaOf>
>;

/** The limits as variables for a worker. */
export function limitSettings(found: Readonly<Record<LimitName, number>>): Record<LimitName, string> {
  return Object.fromEntries(names.map((name) => [name, String(found[name])])) as Record<LimitName, string>;
}

function schemaOf(name: LimitName) {
  const { byDefault, expected } = limitVariables[name];
  return z
    .string()
    .refine((text) => parseLimit(name, text) !== undefined, `expected ${expected}`)
    .transform(Number)
    .prefault(String(byDefault));
}
