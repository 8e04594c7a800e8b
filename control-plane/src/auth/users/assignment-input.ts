import { z } from 'zod';
import { roles } from '../actions.ts';

const maxEnvironments = 50;

/** The first segment of a secret's name. */
export const environmentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,125}$/, 'must be an environment such as `prod`, in lower case');

const everywhereOrSome = z
  .array(z.union([z.literal('*'), environmentName], 'must be `*`, or environments such as `prod`, in lower case'))
  .min(1, 'must name at least one environment, or be `["*"]`')
  .max(maxEnvironments, `must be at most ${maxEnvironments} environments`)
  .transform((environments) => (environments.includes('*') ? ['*'] : [...new Set(environments)].sort()));

/** Roles, each with where it holds. One role is there once. */
export const assignmentsInput = z
  .array(
    z.strictObject({
      role: z.enum(roles, `must be one of: ${roles.join(', ')}`),
      environments: everywhereOrSome,
    }),
  )
  .min(1, 'must be at least one role')
  .refine((list) => new Set(list.map(({ role }) => role)).size === list.length, 'must name each role once');
